// What there is at this moment, asked of the store no more often than it is worth.
import type { Counts, OperatorStore } from '../store/contract-operator.ts'

const FRESH_MS = 1000

export interface Total extends Counts {
  /** Gateways that have a link, at any replica. */
  readonly connected: number
}

export class Totals {
  readonly #store: Pick<OperatorStore, 'counts'>
  readonly #connected: () => Promise<number>
  readonly #now: () => number
  #total: Promise<Total> | undefined
  #at = 0

  constructor(store: Pick<OperatorStore, 'counts'>, connected: () => Promise<number>, now: () => number = Date.now) {
    this.#store = store
    this.#connected = connected
    this.#now = now
  }

  /** @param freshMs  how old the answer may be @throws {StoreError} */
  get(freshMs = FRESH_MS): Promise<Total> {
    const now = this.#now()
    if (this.#total && now - this.#at < freshMs) return this.#total
    this.#at = now
    const asked = this.#ask()
    this.#total = asked
    asked.catch(() => {
      if (this.#total === asked) this.#total = undefined
    })
    return asked
  }

  async #ask(): Promise<Total> {
    const [counts, connected] = await Promise.all([this.#store.counts(), this.#connected()])
    return { ...counts, connected }
  }
}
