// Why a request got no answer: counted by reason, and logged at a limited rate, so that a flood cannot fill a disk.

/** Reasons for silence, each with what to say about it. */
const reasons = {
  malformed: 'a packet that is not RADIUS as its RFCs want it',
  'not-a-request': 'a packet whose code is neither Access-Request nor Status-Server',
  'unknown-client': 'a packet from an address that is no client of this server',
  'missing-message-authenticator': 'a request without Message-Authenticator: update or configure the client',
  'bad-message-authenticator':
    'a request whose Message-Authenticator is wrong: is the shared secret the same on both sides?',
  'in-progress': 'a request that was sent again while its answer is being made',
  overloaded: 'a request above the bound of those handled at once',
  declined: 'a request that its handler wants no answer to',
  'timed-out': 'a request whose handling took longer than its deadline',
  failed: 'a request whose handling failed: see err',
} as const

export type DiscardReason = keyof typeof reasons

/** As much of pino's interface as is used here. */
export interface Log {
  warn(facts: object, message?: string): void
  error(facts: object, message?: string): void
}

interface Tally {
  count: number
  suppressed: number
  quietUntil: number
}

const LINE_EVERY_MS = 1000

export class Discards {
  readonly #tallies = new Map<DiscardReason, Tally>()
  readonly #log: Log | undefined
  readonly #now: () => number

  constructor(log: Log | undefined, now: () => number) {
    this.#log = log
    this.#now = now
    for (const reason of Object.keys(reasons) as DiscardReason[]) {
      this.#tallies.set(reason, { count: 0, suppressed: 0, quietUntil: Number.NEGATIVE_INFINITY })
    }
  }

  /** Counts, and writes a line unless one with this reason was written within the last second. */
  add(reason: DiscardReason, facts: object): void {
    const tally = this.#tallies.get(reason) as Tally
    tally.count++
    const now = this.#now()
    if (now < tally.quietUntil) {
      tally.suppressed++
      return
    }
    const line = { event: 'radius-discarded', reason, ...facts, suppressed: tally.suppressed }
    this.#log?.[reason === 'failed' ? 'error' : 'warn'](line, `Discarded ${reasons[reason]}`)
    tally.suppressed = 0
    tally.quietUntil = now + LINE_EVERY_MS
  }

  /** How many so far, by reason. */
  counts(): Record<DiscardReason, number> {
    return Object.fromEntries([...this.#tallies].map(([reason, { count }]) => [reason, count])) as Record<
      DiscardReason,
      number
    >
  }
}
