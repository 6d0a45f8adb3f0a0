// A bounded memory of what the store answered. What is in it holds for as long as the follower keeps up with all changes; while
// the store is away, for a bounded time more.

import { LruMap } from '../registry/lru-map.ts'
import { StoreError } from '../store/contract.ts'

/** A look-up that takes longer than this gives way to what is remembered. */
const LOOK_UP_MS = 1000

/** Whether what is remembered holds. Times by one clock that never goes back, in ms. */
interface Validity {
  /** When all that is remembered was last known to be right. */
  readonly checkedAt: number
  readonly isFresh: boolean
  /** Whether the store gives no answers. */
  readonly isAway: boolean
}

export interface RememberedOptions {
  readonly validity: Validity
  readonly max: number
  /** How long what is remembered may serve while the store is away. */
  readonly maxStaleMs: number
  readonly now: () => number
}

export class Remembered<V extends object> {
  readonly #options: RememberedOptions
  readonly #entries: LruMap<string, V>
  #epoch = 0

  constructor(options: RememberedOptions) {
    this.#options = options
    this.#entries = new LruMap(options.max)
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * What is remembered, or what `load` gives, which is remembered if `isKept` says so.
   * @throws {StoreError} the store is away, and nothing is remembered that may still serve
   */
  async get(key: string, load: () => Promise<V | undefined>, isKept: (value: V) => boolean): Promise<V | undefined> {
    const { validity } = this.#options
    const known = this.#entries.get(key)
    if (known === undefined) return this.#load(key, load, isKept)
    if (validity.isFresh || (validity.isAway && this.#mayServe())) return known
    const epoch = this.#epoch
    try {
      return await inTime(this.#load(key, load, isKept))
    } catch (error) {
      // Forgotten meanwhile: it was changed.
      if (error instanceof StoreError && this.#mayServe() && epoch === this.#epoch) return known
      throw error
    }
  }

  /** What was asked for before is not remembered either, for its answer may be the old one. */
  forget(key: string): void {
    this.#epoch++
    this.#entries.delete(key)
  }

  forgetWhere(isOld: (value: V, key: string) => boolean): void {
    this.#epoch++
    this.#entries.deleteWhere(isOld)
  }

  clear(): void {
    this.#epoch++
    this.#entries.clear()
  }

  #mayServe(): boolean {
    const { validity, maxStaleMs, now } = this.#options
    return now() - validity.checkedAt <= maxStaleMs
  }

  async #load(key: string, load: () => Promise<V | undefined>, isKept: (value: V) => boolean): Promise<V | undefined> {
    const epoch = this.#epoch
    const value = await load()
    if (epoch === this.#epoch) {
      if (value !== undefined && isKept(value)) this.#entries.set(key, value)
      else this.#entries.delete(key)
    }
    return value
  }
}

/** What is asked for, if it comes within a second. @throws {StoreError} STORE_BUSY: it takes too long */
export async function inTime<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const error = new StoreError('STORE_BUSY', 'the store takes too long to answer: try again')
    timer = setTimeout(reject, LOOK_UP_MS, error)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
    asked.catch(() => {})
  }
}
