// The CPNS Server as upstream: keeps one connection to it, for ever; a pool of challenges, so that an authentication is one round
// trip; and the revocation log, read at each connection and each notice (docs/protocol.md section 4.4).

import { type Address, backoff, type Logger, sleep } from '@opencpns/io'
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
  RevocationsRequest,
  RevocationsResponse,
  resultName,
} from '@opencpns/protocol'
import type { GatewayCredential } from '../credential.ts'
import { ChallengePool } from './challenge-pool.ts'
import { UpstreamError } from './errors.ts'
import { ReportSender } from './report-sender.ts'
import { openServerLink, type ResponseMessage, type ServerLink, type ServerListener } from './server-link.ts'
import type { KeyAssignment, KeyConfirmation, PneExchange, Records, Refused, Upstream, Verdict } from './upstream.ts'

const RETRY_MIN_MS = 200
const RETRY_MAX_MS = 10_000
/** A connection that lasted so long was a good one: the next attempt comes soon. */
const STEADY_MS = 5000
/** A request that comes while a connection is being made waits for it, this long. */
const CONNECTING_MS = 1000
/** The log has one line on a lost server, and then one so often. */
const COMPLAIN_INTERVAL_MS = 60_000

interface CpnsOptions {
  readonly server: Address
  readonly credential: GatewayCredential
  readonly records: Records
  readonly logger: Logger
  readonly poolSize?: number
}

/** Begins to connect; every method may be called at once. */
export function cpnsUpstream(options: CpnsOptions): Upstream {
  return new CpnsUpstream(options)
}

class CpnsUpstream implements Upstream {
  readonly #options: CpnsOptions
  readonly #pool: ChallengePool
  readonly #stop = new AbortController()
  readonly #reports: ReportSender
  readonly #backoff = backoff({ minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS })
  #link: ServerLink | undefined
  #connecting: Promise<unknown> | undefined
  #sinceMs = Date.now()
  #reading = false
  #noticed = 0
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(options: CpnsOptions) {
    this.#options = options
    this.#pool = new ChallengePool({ size: options.poolSize ?? CHALLENGES_MAX, fetch: (count) => this.#fetch(count) })
    this.#reports = new ReportSender({
      queue: options.records.reports,
      request: (make) => this.#request(make, RegistrationsResponse),
      complain: (error) => this.#complain(error, 'presence cannot be reported now: it is tried again'),
    })
    void this.#stayConnected()
  }

  connection() {
    return { connected: this.#link !== undefined, sinceMs: this.#sinceMs }
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
      const response = await this.#request((id) => encode(ForwardedRequest, { id, ...fields }), ForwardedResponse)
      serverRoundTrips++
      pne.step(6, 'ForwardedResponse')
      return { ...this.#verdict(response), serverRoundTrips }
    } catch (error) {
      return { ...unanswered(error), serverRoundTrips }
    }
  }

  assignKey(secondSeed: Uint8Array, name?: string): Promise<KeyAssignment> {
    return this.#assign(name === undefined ? { secondSeed } : { secondSeed, name })
  }

  renewKey(secondSeed: Uint8Array, replaces: Uint8Array): Promise<KeyAssignment> {
    return this.#assign({ secondSeed, replaces })
  }

  async #assign(fields: { secondSeed: Uint8Array; name?: string; replaces?: Uint8Array }): Promise<KeyAssignment> {
    try {
      const response = await this.#request(
        (id) => encode(KeyAssignmentRequest, { id, ...fields }),
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

  confirmKey(secondSeed: Uint8Array): Promise<KeyConfirmation> {
    return this.#change((id) => encode(KeyConfirmationRequest, { id, secondSeed }), KeyConfirmationResponse)
  }

  retireKey(secondSeed: Uint8Array): Promise<KeyConfirmation> {
    return this.#change((id) => encode(KeyRetirementRequest, { id, secondSeed }), KeyRetirementResponse)
  }

  async #change(
    make: (id: number) => Uint8Array,
    expected: typeof KeyConfirmationResponse | typeof KeyRetirementResponse,
  ): Promise<KeyConfirmation> {
    try {
      const { result } = await this.#request(make, expected)
      return result === Result.success ? { result } : refusal(result)
    } catch (error) {
      return unanswered(error)
    }
  }

  close(): void {
    this.#stop.abort()
    this.#pool.close()
    this.#reports.close()
    this.#link?.close()
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
    const { result, challenges = [], lifetimeS = 0 } = await this.#request(make, ChallengeResponse)
    if (result === Result.success) return { challenges, lifetimeS }
    throw new UpstreamError('SERVER_REFUSED', `the server issued no challenges: ${resultName(result)}`)
  }

  async #request<R extends ResponseMessage>(make: (id: number) => Uint8Array, expected: R): Promise<MessageOf<R>> {
    const link = this.#link ?? (await this.#linkSoon())
    return link.request(make, expected)
  }

  /** Waits for a connection only while one is being made. */
  async #linkSoon(): Promise<ServerLink> {
    if (this.#connecting) {
      const waiting = new AbortController()
      await Promise.race([this.#connecting, sleep(CONNECTING_MS, waiting).catch(() => {})])
      waiting.abort()
    }
    if (this.#link) return this.#link
    throw new UpstreamError('SERVER_UNREACHABLE', 'there is no connection to the server')
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const connecting = this.#connect()
      this.#connecting = connecting.catch(() => {})
      try {
        const link = await connecting
        const since = performance.now()
        this.#complain(await link.ended, 'the connection to the CPNS Server was lost')
        if (performance.now() - since >= STEADY_MS) this.#backoff.reset()
      } catch (error) {
        this.#complain(error, 'no connection to the CPNS Server: it is tried again and again')
      }
      if (this.#link) this.#sinceMs = Date.now()
      this.#link = undefined
      await sleep(this.#backoff.next(), { signal }).catch(() => {})
    }
  }

  async #connect(): Promise<ServerLink> {
    const { server, credential, logger } = this.#options
    const listener: ServerListener = {
      onRevocationNotice: (upTo) => void this.#readRevocations(upTo),
      onPolicyNotice: (policy) => this.#notePolicy(policy),
    }
    try {
      const link = await openServerLink({ server, credential, signal: this.#stop.signal, listener })
      this.#link = link
      this.#sinceMs = Date.now()
      this.#complainedAt = Number.NEGATIVE_INFINITY
      logger.info({ event: 'server-connected', gateway: credential.identity }, 'connected to the CPNS Server')
      this.#pool.fill()
      void this.#reports.send()
      this.#options.records.connected()
      this.#noticed = 0
      void this.#readRevocations(link.revocations)
      return link
    } finally {
      this.#connecting = undefined
    }
  }

  /** It holds at once; if the disk does not take it, the next connection brings it again. */
  #notePolicy(policy: MessageOf<typeof PolicyNotice>): void {
    try {
      this.#options.records.policy.note(policy)
      this.#options.logger.debug({ event: 'policy', ...policy }, 'the server has told its policy')
      this.#options.records.policyChanged()
    } catch (error) {
      this.#complain(error, 'the policy of the server could not be stored')
    }
  }

  /** Reads the revocation log from where this gateway stands. One reader at a time: it goes on as far as was noticed. */
  async #readRevocations(upTo: number): Promise<void> {
    this.#noticed = Math.max(this.#noticed, upTo)
    if (this.#reading) return
    this.#reading = true
    try {
      // A server whose log ends before our place was restored from a backup: then all of it is read again.
      const place = this.#options.records.revocationLog.revokedUpTo()
      let since = this.#noticed < place ? 0 : place
      while (since < this.#noticed) since = await this.#readRevocationsAfter(since)
    } catch (error) {
      this.#complain(error, 'the revocation log could not be read: it is tried again with a new connection')
      this.#link?.close()
    } finally {
      this.#reading = false
    }
  }

  /** Acts on one page of the log; resolves to the number of its last line. */
  async #readRevocationsAfter(since: number): Promise<number> {
    const make = (id: number) => encode(RevocationsRequest, { id, since })
    const { result, tags = [], upTo } = await this.#request(make, RevocationsResponse)
    if (result !== Result.success || upTo === undefined || upTo <= since) {
      throw new UpstreamError('SERVER_WRONG', `the revocation log after ${since}: ${resultName(result)}`)
    }
    this.#options.records.revocationLog.revoke(tags, upTo)
    return upTo
  }

  #complain(error: unknown, message: string): void {
    if (this.#stop.signal.aborted) return
    const { logger, credential } = this.#options
    const reason = error instanceof Error ? error.message : 'the server closed it'
    const facts = { event: 'server-lost', gateway: credential.identity, reason }
    const now = performance.now()
    const often = now - this.#complainedAt < COMPLAIN_INTERVAL_MS
    if (!often) this.#complainedAt = now
    logger[often ? 'debug' : 'warn'](facts, message)
  }
}

const incomplete: Refused = { result: Result.serverUnreachable, reason: 'server-response-incomplete' }

/** What the PNE hears of a refusal by the server. That the gateway itself did wrong is not the PNE's affair. */
function refusal(result: Exclude<Result, typeof Result.success>): Refused {
  const reason = `server-${resultName(result)}`
  const busy = result === Result.busy || result === Result.challengeRefused
  return { result: busy ? Result.busy : Result.authenticationFailed, reason }
}

/** @throws the error, when it is not about the server */
function unanswered(error: unknown): Refused {
  if (error instanceof UpstreamError) {
    const result = error.code === 'TOO_MANY_REQUESTS' ? Result.busy : Result.serverUnreachable
    return { result, reason: error.code.toLowerCase().replaceAll('_', '-') }
  }
  throw error
}
