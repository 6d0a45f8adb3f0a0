// One connection to a CPNS Server: Hello, TLS with the gateway's PSK, then requests with ids, many in flight, answered in any
// order (docs/protocol.md section 4.4). It does not reconnect: cpns.ts does.

import { type Address, connectTcp, connectTlsPsk, FrameLink } from '@opencpns/io'
import {
  Alpn,
  ChallengeResponse,
  decode,
  deriveGatewayPsk,
  encode,
  ForwardedResponse,
  Hello,
  HelloOffer,
  HelloResponse,
  KeyAssignmentResponse,
  KeyConfirmationResponse,
  KeyRetirementResponse,
  MESSAGE_DEADLINE_MS,
  type MessageOf,
  PING_INTERVAL_MS,
  Ping,
  PolicyNotice,
  Pong,
  RegistrationsResponse,
  Result,
  RevocationNotice,
  RevocationsResponse,
  resultName,
  SERVER_DEADLINE_MS,
  SERVER_FRAME_MAX_OCTETS,
  VERSIONS,
} from '@opencpns/protocol'
import type { GatewayCredential } from '../credential.ts'
import { UpstreamError } from './errors.ts'

const IN_FLIGHT_MAX = 1024
const SILENCE_MAX_MS = 75_000
/** Deadlines of requests and the need of a Ping are looked at this often: a timer a request would cost more. */
const SWEEP_INTERVAL_MS = 200

const responses = [
  ForwardedResponse,
  ChallengeResponse,
  KeyAssignmentResponse,
  KeyConfirmationResponse,
  KeyRetirementResponse,
  RevocationsResponse,
  RegistrationsResponse,
] as const
export type ResponseMessage = (typeof responses)[number]
type Response = MessageOf<ResponseMessage>

interface Request {
  readonly expected: ResponseMessage
  readonly deadline: number
  resolve(response: Response): void
  reject(error: UpstreamError): void
}

export interface ServerLinkOptions {
  readonly server: Address
  readonly credential: GatewayCredential
  readonly signal: AbortSignal
  readonly listener: ServerListener
}

/** Hears what the server says unasked. */
export interface ServerListener {
  /** The server's revocation log has grown to this number. */
  onRevocationNotice(upTo: number): void
  onPolicyNotice(policy: MessageOf<typeof PolicyNotice>): void
}

/**
 * Connects, and both sides prove the gateway's secret.
 * @throws {UpstreamError} SERVER_REFUSED, SERVER_WRONG; IoError UNREACHABLE, TLS_REFUSED, DEADLINE_EXCEEDED, ABORTED, …
 */
export async function openServerLink({ server, credential, signal, listener }: ServerLinkOptions): Promise<ServerLink> {
  const limits = { timeoutMs: MESSAGE_DEADLINE_MS, signal }
  const socket = await connectTcp({ ...server, ...limits })
  const clear = new FrameLink(socket, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS, transcript: true })
  try {
    await clear.send(encode(Hello, { versions: [...VERSIONS], gateway: credential.identity }))
    const offer = decode(await clear.receive(limits), HelloOffer, HelloResponse)
    if (offer.type === 'HelloResponse') throw refused(offer.result)
    if (!VERSIONS.includes(offer.version) || offer.realm !== credential.realm) {
      throw new UpstreamError('SERVER_WRONG', `the server serves ${offer.realm}, in version ${offer.version}`)
    }
    const identity = Buffer.from(offer.sessionId).toString('base64url')
    const { secret, identity: gateway } = credential
    const psk = deriveGatewayPsk({ secret, gateway, transcriptHash: clear.transcriptHash() })
    const tls = await connectTlsPsk(clear.release(), { identity, psk, alpn: Alpn.server, ...limits })
    const secure = new FrameLink(tls, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS })
    const response = decode(await secure.receive(limits), HelloResponse)
    if (response.result !== Result.success) throw refused(response.result)
    return new ServerLink(secure, response.revocations ?? 0, listener)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function refused(result: Result): UpstreamError {
  return new UpstreamError('SERVER_REFUSED', `the server refused this gateway: ${resultName(result)}`)
}

export class ServerLink {
  /** The newest number of the server's revocation log when the connection was made. */
  readonly revocations: number
  /** Resolves when the connection has ended, to the reason. */
  readonly ended: Promise<unknown>
  readonly #link: FrameLink
  readonly #requests = new Map<number, Request>() // in the order of their deadlines
  readonly #sweep: NodeJS.Timeout
  readonly #listener: ServerListener
  #lastId = 0
  #over = false
  #sentAt = performance.now()

  constructor(link: FrameLink, revocations: number, listener: ServerListener) {
    this.#link = link
    this.revocations = revocations
    this.#listener = listener
    this.#sweep = setInterval(() => this.#look(), SWEEP_INTERVAL_MS).unref()
    this.ended = link
      .frames((body) => this.#receive(body), { idleMs: SILENCE_MAX_MS })
      .then(
        () => this.#end(undefined),
        (error) => this.#end(error),
      )
  }

  /**
   * Sends a request; resolves to its response, whatever its result, within 4 s.
   * @throws {UpstreamError} SERVER_UNREACHABLE, SERVER_SILENT, TOO_MANY_REQUESTS
   */
  request<R extends ResponseMessage>(make: (id: number) => Uint8Array, expected: R): Promise<MessageOf<R>> {
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(new UpstreamError('SERVER_UNREACHABLE', 'the connection to the server has ended'))
      if (this.#requests.size >= IN_FLIGHT_MAX) {
        return reject(new UpstreamError('TOO_MANY_REQUESTS', `${IN_FLIGHT_MAX} requests wait for the server`))
      }
      const id = this.#nextId()
      const deadline = performance.now() + SERVER_DEADLINE_MS
      this.#requests.set(id, { expected, deadline, resolve: resolve as (response: Response) => void, reject })
      this.#send(make(id))
    })
  }

  close(): void {
    this.#link.close()
  }

  #send(body: Uint8Array): void {
    this.#sentAt = performance.now()
    this.#link.sendSoon(body)
  }

  #receive(body: Buffer): void {
    const message = decode(body, ...responses, RevocationNotice, PolicyNotice, Ping, Pong)
    if (message.type === 'Pong') return
    if (message.type === 'Ping') this.#send(encode(Pong, {}))
    else if (message.type === 'RevocationNotice') this.#listener.onRevocationNotice(message.upTo)
    else if (message.type === 'PolicyNotice') this.#listener.onPolicyNotice(message)
    else this.#answer(message)
  }

  #answer(message: Response): void {
    const request = this.#requests.get(message.id)
    if (!request) return // its deadline has passed
    if (request.expected.name !== message.type)
      throw new UpstreamError('SERVER_WRONG', `a ${message.type} came unasked`)
    this.#requests.delete(message.id)
    request.resolve(message)
  }

  /** Lets go of requests that wait too long, and pings a connection that is idle. */
  #look(): void {
    const now = performance.now()
    for (const [id, request] of this.#requests) {
      if (request.deadline > now) break
      this.#requests.delete(id)
      request.reject(new UpstreamError('SERVER_SILENT', `the server gave no answer in ${SERVER_DEADLINE_MS} ms`))
    }
    if (now - this.#sentAt >= PING_INTERVAL_MS) this.#send(encode(Ping, {}))
  }

  #end(cause: unknown): unknown {
    this.#over = true
    clearInterval(this.#sweep)
    for (const request of this.#requests.values()) {
      request.reject(new UpstreamError('SERVER_UNREACHABLE', 'the connection to the server was lost', { cause }))
    }
    this.#requests.clear()
    this.#link.close()
    return cause
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#requests.has(this.#lastId))
    return this.#lastId
  }
}
