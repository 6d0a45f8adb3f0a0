// The CPNS Server as upstream, one or several replicas of it: what is asked, and what is made of the answers. A pool of
// challenges makes an authentication one round trip (docs/protocol.md section 4.4). Which server is asked: balancer.ts.

import { type Address, formatHostPort, type Logger } from '@opencpns/io'
import {
  CHALLENGES_MAX,
  ChallengeRequest,
  ChallengeResponse,
  encode,
  ForwardedRequest,
  ForwardedResponse,
  KeyAssignmentRequest,
  KeyAssignmentResponse,
  KeyConfirmationRequest,
  KeyConfirmationResponse,
  KeyRetirementRequest,
  KeyRetirementResponse,
  type MessageOf,
  type PolicyNotice,
  RegistrationsResponse,
  Result,
  RevocationsResponse,
  resultName,
  type TicketRequest,
  type TicketResponse,
} from '@opencpns/protocol'
import type { GatewayCredential } from '../credential.ts'
import type { Lookup } from './addresses.ts'
import { Balancer } from './balancer.ts'
import { ChallengePool } from './challenge-pool.ts'
import { Complaints } from './complaints.ts'
import { UpstreamError } from './errors.ts'
import { openServerLink } from './open-link.ts'
import { incomplete, refusal, unanswered } from './refusals.ts'
import { ReportSender } from './report-sender.ts'
import { RevocationReader } from './revocations.ts'
import type { MakeRequest, ServerLink } from './server-link.ts'
import { Servers } from './servers.ts'
import type { KeyAssignment, KeyConfirmation, PneExchange, Records, Refused, Upstream, Verdict } from './upstream.ts'

interface CpnsOptions {
  /** At least one; a name with several addresses is several servers. */
  readonly servers: readonly Address[]
  readonly credential: GatewayCredential
  readonly records: Records
  readonly logger: Logger
  readonly poolSize?: number
  readonly lookup?: Lookup
}

/** Begins to connect; every method may be called at once. */
export function cpnsUpstream(options: CpnsOptions): Upstream {
  return new CpnsUpstream(options)
}

class CpnsUpstream implements Upstream {
  readonly #options: CpnsOptions
  readonly #servers: Servers
  readonly #balancer: Balancer
  readonly #pool: ChallengePool
  readonly #reports: ReportSender
  readonly #revocations: RevocationReader
  readonly #complaints: Complaints
  #connected = false
  #sinceMs = Date.now()

  constructor(options: CpnsOptions) {
    const { servers: configured, credential, records, lookup, poolSize: size = CHALLENGES_MAX } = options
    this.#options = options
    this.#complaints = new Complaints(options.logger, credential.identity)
    this.#servers = new Servers({
      configured,
      gateway: credential.identity,
      lookup,
      open: (server, signal) => this.#open(server, signal),
      onLink: (link, beganAt) => this.#onLink(link, beganAt),
      onFailure: (server, error, message) => this.#onFailure(formatHostPort(server), error, message),
    })
    this.#balancer = new Balancer(this.#servers)
    this.#pool = new ChallengePool({ size, fetch: (count) => this.#fetch(count) })
    this.#reports = new ReportSender({
      queue: records.reports,
      request: (make) => this.#balancer.request(make, RegistrationsResponse),
      complain: (error) =>
        this.#complaints.tell('reports', error, 'presence cannot be reported now: it is tried again'),
    })
    this.#revocations = new RevocationReader({
      log: records.revocationLog,
      request: (make) => this.#balancer.request(make, RevocationsResponse),
      complain: (error, message) => this.#complaints.tell('revocations', error, message),
    })
  }

  connection() {
    return { connected: this.#connected, sinceMs: this.#sinceMs, servers: this.#servers.status }
  }

  async authenticate(pne: PneExchange): Promise<Verdict> {
    let serverRoundTrips = 0
    const challenge = await this.#takeChallenge()
    if ('result' in challenge) return { ...challenge, serverRoundTrips }
    if (challenge.fetched) serverRoundTrips++
    const eap = await pne.challenge(challenge.eap)
    try {
      pne.step(3, 'ForwardedRequest')
      const fields = { secondSeed: pne.secondSeed, challenge: challenge.eap, eap }
      const record = recordOf(pne)
      const response = await this.#balancer.request(
        (id, version) => encode(ForwardedRequest, { id, ...fields, ...(version > 1 && record) }),
        ForwardedResponse,
      )
      serverRoundTrips++
      pne.step(6, 'ForwardedResponse')
      return { ...this.#verdict(response), serverRoundTrips }
    } catch (error) {
      return { ...unanswered(error), serverRoundTrips }
    }
  }

  assignKey(secondSeed: Uint8Array, name?: string, ticketId?: Uint8Array): Promise<KeyAssignment> {
    return this.#assign(name === undefined ? { secondSeed } : { secondSeed, name }, ticketId && { ticketId })
  }

  renewKey(secondSeed: Uint8Array, replaces: Uint8Array): Promise<KeyAssignment> {
    return this.#assign({ secondSeed, replaces })
  }

  /** @param record  what version 2 says beside */
  async #assign(
    fields: { secondSeed: Uint8Array; name?: string; replaces?: Uint8Array },
    record?: { ticketId: Uint8Array },
  ): Promise<KeyAssignment> {
    try {
      const response = await this.#balancer.request(
        (id, version) => encode(KeyAssignmentRequest, { id, ...fields, ...(version > 1 && record) }),
        KeyAssignmentResponse,
      )
      const { result, euKey, pneId, user, generation } = response
      if (result !== Result.success) return refusal(result)
      if (!euKey || !pneId) return incomplete
      return { result, euKey, pneId, ...(user && { user }), ...(generation && { generation }) }
    } catch (error) {
      return unanswered(error)
    }
  }

  confirmKey(secondSeed: Uint8Array, ticketId?: Uint8Array): Promise<KeyConfirmation> {
    const record = ticketId && { ticketId }
    return this.#change(
      (id, version) => encode(KeyConfirmationRequest, { id, secondSeed, ...(version > 1 && record) }),
      KeyConfirmationResponse,
    )
  }

  retireKey(secondSeed: Uint8Array): Promise<KeyConfirmation> {
    return this.#change((id) => encode(KeyRetirementRequest, { id, secondSeed }), KeyRetirementResponse)
  }

  async #change(
    make: MakeRequest,
    expected: typeof KeyConfirmationResponse | typeof KeyRetirementResponse,
  ): Promise<KeyConfirmation> {
    try {
      const { result } = await this.#balancer.request(make, expected)
      return result === Result.success ? { result } : refusal(result)
    } catch (error) {
      return unanswered(error)
    }
  }

  tell(message: Uint8Array): boolean {
    return this.#servers.links.some((link) => link.tell(message))
  }

  load() {
    const inFlight = this.#servers.links.reduce((sum, { load }) => sum + load.inFlight, 0)
    return { challenges: this.#pool.available, inFlight }
  }

  close(): void {
    this.#complaints.close()
    this.#pool.close()
    this.#reports.close()
    this.#revocations.close()
    this.#servers.close()
  }

  async #takeChallenge(): Promise<{ eap: Uint8Array; fetched: boolean } | Refused> {
    try {
      return await this.#pool.take()
    } catch (error) {
      return unanswered(error)
    }
  }

  #verdict(response: ForwardedResponse) {
    const { result, transientKey, lifetimeS = 0, eap, pneId, user, sessionsMax } = response
    if (result === Result.challengeRefused) this.#pool.clear()
    if (result !== Result.success) return refusal(result)
    if (!transientKey || !eap) return incomplete
    return { result, transientKey, lifetimeS, eap, pneId, ...(user && { user }), ...(sessionsMax && { sessionsMax }) }
  }

  async #fetch(count: number) {
    const make = (id: number) => encode(ChallengeRequest, { id, count })
    const { result, challenges = [], lifetimeS = 0 } = await this.#balancer.request(make, ChallengeResponse)
    if (result === Result.success) return { challenges, lifetimeS }
    throw new UpstreamError('SERVER_REFUSED', `the server issued no challenges: ${resultName(result)}`)
  }

  #open(server: Address, signal: AbortSignal): Promise<ServerLink> {
    const { credential } = this.#options
    const listener = {
      onRevocationNotice: (upTo: number) => this.#revocations.noticed(upTo),
      onPolicyNotice: (policy: MessageOf<typeof PolicyNotice>) => this.#notePolicy(policy),
      onTicketRequest: (wishes: TicketRequest) => this.#ticket(wishes),
      onRotationNotice: (pneId: string) => this.#options.records.rotate(pneId),
    }
    return openServerLink({ server, credential, signal, listener })
  }

  #onLink(link: ServerLink, beganAt: number): void {
    const { logger, credential, records } = this.#options
    this.#noteConnection(true)
    this.#complaints.forget(link.server)
    const facts = { event: 'server-connected', gateway: credential.identity, server: link.server }
    logger.info(facts, 'connected to the CPNS Server')
    this.#pool.fill()
    void this.#reports.send()
    records.connected()
    this.#revocations.connected(link.revocations, beganAt)
  }

  #onFailure(server: string, error: unknown, message: string): void {
    this.#noteConnection(this.#servers.status.some(({ connected }) => connected))
    this.#complaints.tell(server, error, message)
  }

  /** Without a server the challenges go too: one that comes back may have another key, and would refuse them. */
  #noteConnection(connected: boolean): void {
    if (connected === this.#connected) return
    this.#connected = connected
    this.#sinceMs = Date.now()
    if (!connected) this.#pool.clear()
  }

  /** A server that asks for a ticket hears `busy` when there can be none; why, stands in our log. */
  #ticket({ name, lifetimeS }: TicketRequest): Omit<TicketResponse, 'type' | 'id'> {
    const { logger, credential, records } = this.#options
    try {
      const ticket = records.makeTicket({ name, lifetimeS })
      logger.info({ event: 'ticket', gateway: credential.identity }, 'the server asked for a pairing ticket')
      return { result: Result.success, ...ticket }
    } catch (err) {
      logger.error({ event: 'ticket-failed', err }, 'the server asked for a pairing ticket, and none could be made')
      return { result: Result.busy }
    }
  }

  /** It holds at once; if the disk does not take it, the next connection brings it again. */
  #notePolicy(policy: MessageOf<typeof PolicyNotice>): void {
    try {
      this.#options.records.policy.note(policy)
      this.#options.logger.debug({ event: 'policy', ...policy }, 'the server has told its policy')
      this.#options.records.policyChanged()
    } catch (error) {
      this.#complaints.tell('policy', error, 'the policy of the server could not be stored')
    }
  }
}

/** What version 2 says of an authentication beside: for records alone. */
function recordOf({ sessionId, traceparent }: PneExchange) {
  return { sessionId: Buffer.from(sessionId, 'base64url'), ...(traceparent !== undefined && { traceparent }) }
}
