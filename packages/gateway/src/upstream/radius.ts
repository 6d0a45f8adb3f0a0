// An AAA server as upstream, by RADIUS (RFC 3579): the gateway is a pass-through authenticator and relays all four messages of
// EAP-GPSK (docs/protocol.md section 1.2). From the MSK it derives the TK as a CPNS Server would, so a PNE sees no difference.
// Leaves out what RADIUS does not carry: assignment of keys, so pairing; the revocation log; PNE ids.

import type { Address, Logger } from '@opencpns/io'
import {
  deriveTransientKey,
  EAP_PACKET_MAX_OCTETS,
  peerIdentity,
  Result,
  SERVER_DEADLINE_MS,
  TRANSIENT_KEY_LIFETIME_S,
} from '@opencpns/protocol'
import { Code, type EapAnswer, eapRound, RadiusClient, RadiusError, type SharedSecret } from '@opencpns/radius'
import type { PneExchange, Refused, Upstream, Verdict } from './upstream.ts'

/** Identity, GPSK-2 and GPSK-4, and room for a Nak or a GPSK-Fail. */
const ROUNDS_MAX = 6
/** Sent again after 0.7 s and 2.1 s. */
const RETRANSMISSION = { initialMs: 700, maxTransmissions: 3, maxDurationMs: SERVER_DEADLINE_MS }
/** Lets the server fill EAP packets as far as a Challenge carries them (RFC 3579 section 2.4: less than a datagram). */
const MTU_OCTETS = EAP_PACKET_MAX_OCTETS
const EAP_HEADER_OCTETS = 4
const EapCode = { Request: 1, Response: 2 } as const
const EapType = { Identity: 1, Nak: 3, Gpsk: 51 } as const

interface RadiusUpstreamOptions {
  readonly server: Address
  readonly secret: SharedSecret
  /** Of this gateway: NAS-Identifier, and what the TK is bound to. */
  readonly identity: string
  readonly logger: Logger
  /** How long an answer may take, all retransmissions included. */
  readonly deadlineMs?: number
}

/** Sends nothing before the first PNE comes. */
export function radiusUpstream(options: RadiusUpstreamOptions): Upstream {
  return new RadiusUpstream(options)
}

class RadiusUpstream implements Upstream {
  readonly #client: RadiusClient
  readonly #identity: string
  readonly #logger: Logger

  constructor({ server, secret, identity, logger, deadlineMs = SERVER_DEADLINE_MS }: RadiusUpstreamOptions) {
    const retransmission = { ...RETRANSMISSION, maxDurationMs: deadlineMs }
    this.#client = new RadiusClient({ ...server, secret, retransmission })
    this.#identity = identity
    this.#logger = logger
  }

  async authenticate(pne: PneExchange): Promise<Verdict> {
    const userName = peerIdentity(pne.secondSeed, pne.realm)
    let eapMessage = identityResponse(userName)
    let state: Buffer | undefined
    for (let serverRoundTrips = 1; serverRoundTrips <= ROUNDS_MAX; serverRoundTrips++) {
      // 3: what the PNE says goes to the server, and with it the State that the server wants back.
      pne.step(3, 'Access-Request')
      const answer = await this.#ask(userName, eapMessage, state)
      if ('result' in answer) return { ...answer, serverRoundTrips }

      // 6: the server has decided, and on success hands over the MSK. 4 and 5 are between the server and the PNE.
      if (answer.code === Code.AccessAccept) pne.step(6, 'Access-Accept')
      if (answer.code === Code.AccessReject) pne.step(6, 'Access-Reject')
      if (answer.code !== Code.AccessChallenge) return { ...this.#verdict(answer), serverRoundTrips }
      pne.step(6, 'Access-Challenge')

      // 5: the server's next message goes to the PNE, and its answer into the next round.
      const request = answer.eapMessage
      if (!isRequest(request)) return { ...this.#wrong('an Access-Challenge without an EAP-Request'), serverRoundTrips }
      eapMessage =
        request[4] === EapType.Gpsk ? Buffer.from(await pne.challenge(request)) : answerFor(userName, request)
      state = answer.state
    }
    return { ...this.#wrong(`more than ${ROUNDS_MAX} Access-Challenges`), serverRoundTrips: ROUNDS_MAX }
  }

  tell(): boolean {
    return false
  }

  load() {
    return { challenges: 0, inFlight: 0 }
  }

  connection(): undefined {}

  async assignKey(): Promise<Refused> {
    this.#logger.warn({ event: 'pairing-impossible', gateway: this.#identity }, 'pairing needs a CPNS Server')
    return noCpnsServer
  }

  async renewKey(): Promise<Refused> {
    return noCpnsServer
  }

  async confirmKey(): Promise<Refused> {
    return noCpnsServer
  }

  async retireKey(): Promise<Refused> {
    return noCpnsServer
  }

  close(): void {
    this.#client.close()
  }

  async #ask(userName: string, eapMessage: Buffer, state: Buffer | undefined): Promise<EapAnswer | Refused> {
    try {
      const round = { userName, eapMessage, state, nasIdentifier: this.#identity, mtu: MTU_OCTETS }
      return await eapRound(this.#client, round)
    } catch (error) {
      if (error instanceof RadiusError && error.code === 'RADIUS_MALFORMED') return this.#wrong(error.message)
      return unanswered(error)
    }
  }

  #verdict({ code, msk, sessionTimeoutS = TRANSIENT_KEY_LIFETIME_S }: EapAnswer) {
    if (code === Code.AccessReject) return { result: Result.authenticationFailed, reason: 'server-access-reject' }
    if (!msk) return this.#wrong('an Access-Accept without MS-MPPE keys of 32 octets')
    const transientKey = deriveTransientKey({ msk, gateway: this.#identity })
    return { result: Result.success, transientKey, lifetimeS: sessionTimeoutS }
  }

  /** The server is at fault and not the PNE. */
  #wrong(what: string): Refused {
    this.#logger.warn({ event: 'server-wrong', gateway: this.#identity, what }, 'the AAA server answers wrongly')
    return { result: Result.serverUnreachable, reason: 'server-wrong' }
  }
}

const noCpnsServer: Refused = { result: Result.serverUnreachable, reason: 'pairing-needs-a-cpns-server' }

/** @throws the error, when it is not about the server */
function unanswered(error: unknown): Refused {
  if (!(error instanceof RadiusError)) throw error
  if (error.code === 'RADIUS_BUSY') return { result: Result.busy, reason: 'too-many-requests' }
  const reason = error.code === 'RADIUS_NO_ANSWER' ? 'server-silent' : 'server-unreachable'
  return { result: Result.serverUnreachable, reason }
}

function isRequest(eap: Buffer | undefined): eap is Buffer {
  if (!eap || eap.length <= EAP_HEADER_OCTETS || eap.length > EAP_PACKET_MAX_OCTETS) return false
  return eap[0] === EapCode.Request && eap.readUInt16BE(2) === eap.length
}

/** A PNE hears of EAP-GPSK alone. To another method the gateway says for it what any EAP peer would (RFC 3748 section 5.3.1). */
function answerFor(userName: string, request: Buffer): Buffer {
  const identifier = request[1] as number
  if (request[4] === EapType.Identity) return identityResponse(userName, identifier)
  return response(identifier, EapType.Nak, Buffer.from([EapType.Gpsk]))
}

function identityResponse(userName: string, identifier = 0): Buffer {
  return response(identifier, EapType.Identity, Buffer.from(userName))
}

function response(identifier: number, type: number, data: Buffer): Buffer {
  const header = Buffer.from([EapCode.Response, identifier, 0, 0, type])
  header.writeUInt16BE(header.length + data.length, 2)
  return Buffer.concat([header, data])
}
