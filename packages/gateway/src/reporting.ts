// Tells the server of the authentications at this gateway: exact counts, and some of them one by one (docs/protocol.md section
// 4.4, AuthenticationsReport). Noting one is a few additions; a report is put together at most every 250 ms.

import {
  AUTHENTICATIONS_MAX,
  AuthenticationReport,
  AuthenticationsReport,
  Case,
  encode,
  KeyUsed,
  REPORT_INTERVAL_MS,
  Result,
} from '@opencpns/protocol'
import type { AuthenticationFacts } from './authenticate.ts'

/** So many of those told may be successes: a refusal is worth more to whoever watches. */
const ACCEPTED_MAX = 24
/** How long a report that no link takes waits for the next attempt. */
const RETRY_MS = 1000
const COUNT_MAX = 0xffffffff
const ROUND_TRIPS_MAX = 255

/** How an authentication ended. */
interface Ended {
  readonly facts: AuthenticationFacts
  readonly result: Result
  readonly reason: string | undefined
}

interface ReportingOptions {
  /** Sends a report over a link that takes one; false when there is none now. */
  readonly send: (report: Uint8Array) => boolean
  /** Milliseconds since any moment. */
  readonly now?: () => number
}

export class Reporting {
  readonly #send: ReportingOptions['send']
  readonly #now: () => number
  #counts = noCounts()
  #told: Ended[] = []
  #acceptedTold = 0
  #since: number
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor({ send, now = () => performance.now() }: ReportingOptions) {
    this.#send = send
    this.#now = now
    this.#since = now()
  }

  /** An authentication has ended. The facts must not be changed afterwards. */
  note(facts: AuthenticationFacts, result: Result, reason?: string): void {
    if (this.#closed) return
    const accepted = result === Result.success
    this.#counts[countOf(facts.case, accepted)]++
    if (this.#told.length < AUTHENTICATIONS_MAX && (!accepted || this.#acceptedTold < ACCEPTED_MAX)) {
      this.#told.push({ facts, result, reason })
      if (accepted) this.#acceptedTold++
    } else {
      this.#counts.untold++
    }
    this.#timer ??= setTimeout(() => this.flush(), REPORT_INTERVAL_MS).unref()
  }

  /** Sends what there is, if there is a link. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#closed || isNothing(this.#counts)) return
    if (!this.#send(this.#report())) {
      this.#timer = setTimeout(() => this.flush(), RETRY_MS).unref()
      return
    }
    this.#counts = noCounts()
    this.#told = []
    this.#acceptedTold = 0
    this.#since = this.#now()
  }

  /** Sends the last report, if there is a link. */
  close(): void {
    this.flush()
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #report(): Uint8Array {
    const reports = this.#told.map((ended) => encode(AuthenticationReport, fieldsOf(ended)))
    const counts = mapValues(this.#counts, (count) => Math.min(count, COUNT_MAX))
    const spanMs = Math.min(Math.round(this.#now() - this.#since), COUNT_MAX)
    return encode(AuthenticationsReport, { ...counts, spanMs, reports })
  }
}

type Counts = ReturnType<typeof noCounts>

function noCounts() {
  return { localAccepted: 0, localRefused: 0, remoteAccepted: 0, remoteRefused: 0, undecided: 0, untold: 0 }
}

function countOf(which: AuthenticationFacts['case'], accepted: boolean): keyof Counts {
  if (which === 'local') return accepted ? 'localAccepted' : 'localRefused'
  if (which === 'remote') return accepted ? 'remoteAccepted' : 'remoteRefused'
  return 'undecided'
}

function isNothing(counts: Counts): boolean {
  return Object.values(counts).every((count) => count === 0)
}

function mapValues(counts: Counts, change: (count: number) => number): Counts {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, change(count)])) as Counts
}

/** The fields of an AuthenticationReport. */
function fieldsOf({ facts, result, reason }: Ended) {
  const { sessionId, serverRoundTrips, keyUsed, pneId, trace } = facts
  const startedAt = trace.steps[0]?.at ?? trace.startedAt
  return {
    sessionId: Buffer.from(sessionId, 'base64url'),
    result,
    atUs: Math.round(startedAt * 1000),
    serverRoundTrips: Math.min(serverRoundTrips, ROUND_TRIPS_MAX),
    ...(facts.case && { case: Case[facts.case] }),
    ...(reason !== undefined && { reason }),
    ...(keyUsed && { keyUsed: KeyUsed[keyUsed] }),
    ...(pneId !== undefined && { pneId }),
    ...offsetsOf(facts, startedAt),
  }
}

/** When each step was reached first, in microseconds after step 1. */
function offsetsOf({ trace }: AuthenticationFacts, startedAt: number) {
  const offsets: { [name in `step${2 | 3 | 6 | 7 | 8}Us`]?: number } = {}
  for (const { step, at } of trace.steps) {
    if (step === 1 || step === 4 || step === 5) continue
    offsets[`step${step as 2 | 3 | 6 | 7 | 8}Us`] ??= Math.min(Math.round((at - startedAt) * 1000), COUNT_MAX)
  }
  return offsets
}
