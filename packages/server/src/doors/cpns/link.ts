// One link of a gateway, from its Hello to its end: docs/protocol.md section 4.4.

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { acceptTlsPsk, FrameLink, sleep } from '@opencpns/io'
import {
  Alpn,
  ClosingNotice,
  chooseVersion,
  decode,
  deriveGatewayPsk,
  encode,
  Hello,
  HelloOffer,
  HelloResponse,
  KEY_OCTETS,
  MESSAGE_DEADLINE_MS,
  PNE_FRAME_MAX_OCTETS,
  PolicyNotice,
  Result,
  RevocationNotice,
  RotationNotice,
  SERVER_FRAME_MAX_OCTETS,
  SERVER_VERSIONS,
  SESSION_ID_OCTETS,
  type TicketResponse,
} from '@opencpns/protocol'
import { type AnswerContext, answer } from './answer.ts'
import { GatewayUnavailable } from './gateways.ts'
import { type MadeTicket, TicketRequests, type TicketWishes } from './ticket-requests.ts'

/** Requests of one gateway that may be under way at once: docs/protocol.md section 4.4. */
const IN_FLIGHT_MAX = 1024
/** The longest silence of a gateway, which pings every 30 s. */
const IDLE_MS = 75_000
/** A gateway that was told that this server goes, and has sent nothing for so long, has all that it asked for. */
const QUIET_MS = 250

/** The other side did something that ends the link, and was told so where it may be told. */
export class LinkRefused extends Error {
  override readonly name = 'LinkRefused'
  readonly code: 'UNSUPPORTED_VERSION' | 'GATEWAY_REVOKED'

  constructor(code: LinkRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Brings a link up: Hello and HelloOffer in the clear, then TLS with the gateway's PSK.
 * An unknown gateway gets an offer like any other, and fails in TLS.
 * @throws {IoError} deadline, frame or TLS  @throws {ProtocolError} a Hello that is none  @throws {LinkRefused} version
 */
export async function establish(socket: Socket, context: AnswerContext): Promise<GatewayLink> {
  const link = new FrameLink(socket, { maxFrameOctets: PNE_FRAME_MAX_OCTETS, transcript: true })
  const hello = decode(await link.receive({ timeoutMs: MESSAGE_DEADLINE_MS }), Hello)
  const version = chooseVersion(hello.versions, SERVER_VERSIONS)
  if (version === undefined) {
    await link.send(encode(HelloResponse, { result: Result.unsupportedVersion, versions: [...SERVER_VERSIONS] }))
    link.close()
    throw new LinkRefused('UNSUPPORTED_VERSION', 'the gateway speaks no version of ours')
  }

  const known = await context.registry.findGatewayForLink(hello.gateway)
  const sessionId = randomBytes(SESSION_ID_OCTETS)
  await link.send(encode(HelloOffer, { version, realm: context.realm, sessionId }))

  const psk = deriveGatewayPsk({
    secret: known?.secret ?? randomBytes(KEY_OCTETS),
    gateway: hello.gateway,
    transcriptHash: link.transcriptHash(),
  })
  const identity = sessionId.toString('base64url')
  const limits = { timeoutMs: MESSAGE_DEADLINE_MS, alpnOptional: true }
  const tls = await acceptTlsPsk(link.release(), { identity, psk, alpn: Alpn.server, ...limits })
  return new GatewayLink({ gateway: hello.gateway, user: known?.user ?? '', version }, tls, context)
}

/** A link that stands: the gateway has proved who it is. */
export class GatewayLink {
  readonly gateway: string
  /** The end user whom the gateway belongs to. */
  readonly user: string
  /** Of the protocol of this link. */
  readonly version: number
  /** Since when it stands, in ms since the epoch. */
  readonly since: number
  readonly #context: AnswerContext
  readonly #link: FrameLink<TLSSocket>
  readonly #tickets: TicketRequests
  #underWay = 0
  #heardAt = 0
  readonly #ended = Promise.withResolvers<void>()
  /** Notices wait until HelloResponse has gone: that must be the first message. */
  #notices: Promise<unknown>
  #welcome = () => {}

  constructor(of: { gateway: string; user: string; version: number }, tls: TLSSocket, context: AnswerContext) {
    this.gateway = of.gateway
    this.user = of.user
    this.version = of.version
    this.since = context.now()
    this.#notices = new Promise<void>((resolve) => {
      this.#welcome = resolve
    })
    this.#context = context
    this.#link = new FrameLink(tls, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS })
    this.#tickets = new TicketRequests(this.gateway, (body) => this.#notice(() => body))
  }

  /**
   * Answers requests until either side ends the link.
   * @throws {ProtocolError} the gateway sent what it may not  @throws {IoError} the connection broke, or fell silent
   * @throws {LinkRefused} the gateway was revoked while the link was made
   */
  async serve(): Promise<void> {
    const { registry } = this.#context
    if (!(await registry.isGateway(this.gateway))) throw new LinkRefused('GATEWAY_REVOKED', 'the gateway is revoked')
    const revocations = await registry.newestRevocationForLink()
    await this.#link.send(encode(HelloResponse, { result: Result.success, revocations }))
    this.#welcome()
    this.notifyPolicy()
    try {
      await this.#link.frames((frame) => this.#answer(frame), { maxPending: IN_FLIGHT_MAX, idleMs: IDLE_MS })
    } finally {
      this.#ended.resolve()
    }
  }

  /** Requests that are being answered. */
  get underWay(): number {
    return this.#underWay
  }

  /** Tells the gateway that the revocation log has grown to `upTo`. */
  notify(upTo: number): void {
    this.#notice(() => encode(RevocationNotice, { upTo }))
  }

  /** Tells the gateway what it must hold to, as that is now. */
  notifyPolicy(): void {
    this.#notice(async () => {
      const { sessionsMax, ...policy } = await this.#context.registry.policies.ofGateway(this.gateway)
      return encode(PolicyNotice, { ...policy, ...(sessionsMax !== null && { sessionsMax }) })
    })
  }

  /** Has the gateway make a pairing ticket. @throws {GatewayUnavailable} */
  async makeTicket(wishes: TicketWishes): Promise<MadeTicket> {
    this.#checkVersion2()
    return this.#tickets.ask(wishes)
  }

  ticketMade(response: TicketResponse): void {
    this.#tickets.answered(response)
  }

  /** Tells the gateway to rotate the key of a PNE at the next chance. @throws {GatewayUnavailable} GATEWAY_TOO_OLD */
  askToRotate(pneId: string): void {
    this.#checkVersion2()
    this.#notice(() => encode(RotationNotice, { pneId }))
  }

  #checkVersion2(): void {
    if (this.version < 2) throw new GatewayUnavailable('GATEWAY_TOO_OLD')
  }

  /** Sends notices one after another. When one cannot be made the link ends: a new one begins with all of them. */
  #notice(make: () => Uint8Array | Promise<Uint8Array>): void {
    this.#notices = this.#notices
      .then(make)
      .then((body) => this.#link.sendSoon(body))
      .catch((err) => {
        this.#context.logger.error(
          { event: 'notice-failed', err, gateway: this.gateway },
          'a gateway could not be told',
        )
        this.close()
      })
  }

  /** Tells the gateway that this server goes, and ends the link once it has all its answers: docs/protocol.md section 4.4. */
  async drain(): Promise<void> {
    if (this.version > 1) this.#notice(() => encode(ClosingNotice, {}))
    let isOver = false
    const ended = this.#ended.promise.then(() => {
      isOver = true
    })
    const toldAt = performance.now()
    const isQuiet = () => this.#underWay === 0 && performance.now() - Math.max(toldAt, this.#heardAt) >= QUIET_MS
    while (!isOver && !isQuiet()) await Promise.race([ended, sleep(QUIET_MS)])
    this.close()
  }

  /** Sends what is queued and ends the link. */
  close(): void {
    this.#tickets.end()
    this.#link.close()
  }

  closeAfter(lingerMs: number): void {
    if (lingerMs === 0) this.close()
    else setTimeout(() => this.close(), lingerMs).unref()
  }

  async #answer(frame: Uint8Array): Promise<void> {
    this.#underWay++
    this.#heardAt = performance.now()
    try {
      const response = await answer(frame, this, this.#context)
      if (response) this.#link.sendSoon(response)
    } finally {
      this.#underWay--
    }
  }
}
