// Requests in asynchronous handling, and the end of those that take too long. All have the same time, so the first that came is the
// first to be late: one timer is enough, and a request that is answered in time costs none.

import type { Exchange } from './exchange.ts'

interface WaitsOptions {
  readonly timeoutMs: number
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** Hears of a request that is given up. */
  onLate(exchange: Exchange): void
}

export class Waits {
  readonly #options: WaitsOptions
  /** Until when each may take, the first that came first. */
  readonly #all = new Map<Exchange, number>()
  #timer: NodeJS.Timeout | undefined
  #onEmpty: (() => void)[] = []

  constructor(options: WaitsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#all.size
  }

  begin(exchange: Exchange): void {
    const { now, timeoutMs } = this.#options
    this.#all.set(exchange, now() + timeoutMs)
    this.#timer ??= this.#after(timeoutMs)
  }

  /** False where it was given up before. */
  end(exchange: Exchange): boolean {
    const isInTime = this.#all.delete(exchange)
    if (this.#all.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve()
    return isInTime
  }

  /** Resolves when none is left. */
  async settled(): Promise<void> {
    while (this.#all.size > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve))
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#giveUp(), ms).unref()
  }

  #giveUp(): void {
    this.#timer = undefined
    const { now, onLate } = this.#options
    for (const [exchange, until] of this.#all) {
      const leftMs = until - now()
      if (leftMs > 0) {
        this.#timer = this.#after(Math.ceil(leftMs))
        return
      }
      this.end(exchange)
      onLate(exchange)
    }
  }
}
