// A pool of challenges (GPSK-1) that the CPNS Server issued earlier, so that the remote case takes one round trip to it.
// Each is given out once. Below half the pool fills itself in the background; empty, whoever asks waits for the server.

import { elapsedClock } from '@opencpns/io'
import { UpstreamError } from './errors.ts'

/** What the server issued: GPSK-1 packets, each good for `lifetimeS` seconds. */
export interface Challenges {
  readonly challenges: readonly Uint8Array[]
  readonly lifetimeS: number
}

/** A challenge is not given out in the last part of its life: the PNE and the server still need some of it. */
const MARGIN_MS = 30_000
/** How often an idle pool replaces those that will soon be old. */
const RENEW_INTERVAL_MS = 15_000

interface Pooled {
  readonly eap: Uint8Array
  readonly expiresAt: number
}

interface Waiter {
  resolve(challenge: { eap: Uint8Array; fetched: boolean }): void
  reject(error: unknown): void
}

interface PoolOptions {
  /** Asks the server for `count` challenges. */
  fetch(count: number): Promise<Challenges>
  /** How many to keep, and how many to ask for at once. */
  size: number
  /** Milliseconds since any moment. */
  now?: () => number
}

export class ChallengePool {
  readonly #fetch: PoolOptions['fetch']
  readonly #size: number
  readonly #now: () => number
  readonly #renewal: NodeJS.Timeout
  #pooled: Pooled[] = []
  #waiters: Waiter[] = []
  #coming = 0
  #generation = 0

  constructor({ fetch, size, now = elapsedClock() }: PoolOptions) {
    this.#fetch = fetch
    this.#size = size
    this.#now = now
    this.#renewal = setInterval(() => this.#renew(), RENEW_INTERVAL_MS).unref()
  }

  /** Challenges that are there now. */
  get available(): number {
    return this.#pooled.length
  }

  /**
   * A challenge that nobody was given before. `fetched`: the server had to be asked for it first.
   * @throws what `fetch` throws, when the pool is empty
   */
  take(): { eap: Uint8Array; fetched: boolean } | Promise<{ eap: Uint8Array; fetched: boolean }> {
    this.#dropThoseOldAt(this.#now())
    const pooled = this.#pooled.shift()
    if (pooled) {
      if (this.#pooled.length < this.#size / 2) this.fill()
      return { eap: pooled.eap, fetched: false }
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.fill()
    })
  }

  /** Asks for what is missing, all at once; what is on its way counts as there. Failures are for those who wait. */
  fill(): void {
    let missing = this.#size + this.#waiters.length - this.#pooled.length - this.#coming
    for (; missing > 0; missing -= this.#size) void this.#fetchSome(Math.min(missing, this.#size))
  }

  /** Drops all, also what is on its way: the server refused one, or there is none any more. */
  clear(): void {
    this.#pooled = []
    this.#coming = 0
    this.#generation++
    this.fill()
  }

  close(): void {
    clearInterval(this.#renewal)
  }

  async #fetchSome(count: number): Promise<void> {
    const generation = this.#generation
    const askedAt = this.#now()
    this.#coming += count
    try {
      const { challenges, lifetimeS } = await this.#fetch(count)
      if (generation !== this.#generation) return
      this.#coming -= count
      this.#accept(challenges, askedAt + lifetimeS * 1000 - MARGIN_MS)
    } catch (error) {
      if (generation !== this.#generation) return
      this.#coming -= count
      if (this.#coming === 0) this.#refuseWaiters(error)
    }
  }

  /** Those who wait are served first. A server that gave too few leaves the rest waiting for another request. */
  #accept(challenges: readonly Uint8Array[], expiresAt: number): void {
    for (const eap of challenges) {
      const waiter = this.#waiters.shift()
      if (waiter) waiter.resolve({ eap, fetched: true })
      else this.#pooled.push({ eap, expiresAt })
    }
    if (this.#waiters.length === 0 || this.#coming > 0) return
    if (challenges.length > 0) this.fill()
    else this.#refuseWaiters(new UpstreamError('SERVER_WRONG', 'the server issued no challenge'))
  }

  #refuseWaiters(error: unknown): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(error)
  }

  #dropThoseOldAt(moment: number): void {
    const oldest = this.#pooled[0]
    if (oldest && oldest.expiresAt <= moment) this.#pooled = this.#pooled.filter((one) => one.expiresAt > moment)
  }

  #renew(): void {
    this.#dropThoseOldAt(this.#now() + RENEW_INTERVAL_MS)
    if (this.#pooled.length < this.#size / 2) this.fill()
  }
}
