// PNEs that authenticate at a given rate, whether the one before is done or not, so that a system that stands still is seen by
// all who come meanwhile; and what became of each.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, IoError } from '@opencpns/io'
import { type ConnectOptions, connect, PneError } from '@opencpns/pne'
import { comingAgain } from '../../support/turned-away.ts'
import type { GatewayLog } from './gateway-log.ts'

/** On a machine that does so few, more at once would only wait for each other, until none is in time. */
const UNDER_WAY_MAX = 60
/** What a device hears that was turned away, or given up. */
const mayBeSlowness: ReadonlySet<string> = new Set(['BUSY', 'AUTHENTICATION_FAILED', 'UNREACHABLE'])

export interface Outcome {
  /** When it was to begin, by `performance.now()`. */
  readonly at: number
  /** When it really began. */
  readonly began: number
  /** From `at` to the session, or to the error. */
  readonly ms: number
  /** `local`, `remote`, or the code of the error. */
  readonly result: string
  /** What a device that was told to try again heard when it did so, and when it began to. */
  readonly again?: { readonly began: number; readonly result: string }
}

export interface Attempt extends Pick<ConnectOptions, 'credential' | 'transientKeys' | 'timeoutMs'> {
  readonly gateway: Address
  /** Of the gateway: whom it turns away because its machine has too much to do comes again, and that is one attempt. */
  readonly log?: GatewayLog
}

interface LoadOptions extends Attempt {
  readonly perS: number
  /** Who is told to try again does so, once. */
  readonly asksAgain?: boolean
}

export class Load {
  readonly outcomes: Outcome[] = []
  readonly #options: LoadOptions
  readonly #stop = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  readonly #over: Promise<void>

  constructor(options: LoadOptions) {
    this.#options = options
    this.#over = this.#run()
  }

  /** Begins no more, and waits for those under way. */
  async stop(): Promise<readonly Outcome[]> {
    this.#stop.abort()
    await this.#over
    await Promise.all(this.#underWay)
    return this.outcomes
  }

  async #run(): Promise<void> {
    const begun = performance.now()
    for (let count = 0; !this.#stop.signal.aborted; count++) {
      const at = begun + (count * 1000) / this.#options.perS
      const early = at - performance.now()
      if (early > 0) await sleep(early, undefined, { signal: this.#stop.signal }).catch(() => {})
      if (this.#stop.signal.aborted) return
      while (this.#underWay.size >= UNDER_WAY_MAX) await Promise.race(this.#underWay)
      const one = this.#once(at).finally(() => this.#underWay.delete(one))
      this.#underWay.add(one)
    }
  }

  async #once(at: number): Promise<void> {
    const began = performance.now()
    const result = await outcomeOf(this.#options)
    const outcome = { at, began, ms: performance.now() - at, result }
    const again = result === 'BUSY' && this.#options.asksAgain ? await this.#again() : undefined
    this.outcomes.push({ ...outcome, ...(again && { again }) })
  }

  async #again() {
    const began = performance.now()
    return { began, result: await outcomeOf(this.#options) }
  }
}

/** The case of a session, or the code of the error. */
export async function outcomeOf({ log, ...attempt }: Attempt): Promise<string> {
  let mark = 0
  const once = () => {
    mark = log?.mark ?? 0
    return outcomeOnce(attempt)
  }
  return comingAgain(once, async (outcome) => mayBeSlowness.has(outcome) && (await log?.tellsOfSlowness(mark)) === true)
}

async function outcomeOnce({ gateway, ...options }: Omit<Attempt, 'log'>): Promise<string> {
  try {
    const session = await connect({ ...gateway, ...options })
    await session.close()
    return session.facts.case
  } catch (error) {
    if (error instanceof PneError || error instanceof IoError) return error.code
    throw error
  }
}

/** How many there are of each result. */
export function countsOf(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { result } of outcomes) counts[result] = (counts[result] ?? 0) + 1
  return counts
}

/** In whole milliseconds; 0 of none. */
export function longestMs(outcomes: readonly Outcome[]): number {
  return Math.round(outcomes.reduce((longest, { ms }) => Math.max(longest, ms), 0))
}

/** Of those that succeeded; NaN of none. */
export function medianMs(outcomes: readonly Outcome[]): number {
  return quantileMs(outcomes, 0.5)
}

/** In whole milliseconds, how long so many of them took at most. @param share 0 to 1 */
export function withinMs(outcomes: readonly Outcome[], share: number): number {
  return Math.round(quantileMs(outcomes, share))
}

function quantileMs(outcomes: readonly Outcome[], quantile: number): number {
  const sorted = outcomes.filter(isSuccess).map(({ ms }) => ms)
  sorted.sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length * quantile)] ?? Number.NaN
}

export function isSuccess({ result }: Pick<Outcome, 'result'>): boolean {
  return result === 'local' || result === 'remote'
}
