// A bounded memory of what the store answered. What is in it holds for as long as the follower keeps up with all changes; while
// the store is away, for a bounded time more.

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

/** Where it is kept: bounded by itself, and free to keep less than it is given. */
interface Memory<K, V> {
  readonly size: number
  get(key: K): V | undefined
  set(key: K, value: V): void
  delete(key: K): void
  clear(): void
}

interface RememberedOptions<M> {
  readonly validity: Validity
  readonly memory: M
  /** How long what is remembered may serve while the store is away. */
  readonly maxStaleMs: number
  readonly now: () => number
}

export class Remembered<K, V extends object, M extends Memory<K, V>> {
  readonly #options: RememberedOptions<M>
  readonly #entries: M
  #epoch = 0

  constructor(options: RememberedOptions<M>) {
    this.#options = options
    this.#entries = options.memory
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * What is remembered, or what `load` gives, which is remembered if `isKept` says so.
   * @throws {StoreError} the store is away, and nothing is remembered that may still serve
   */
  async get(key: K, load: () => Promise<V | undefined>, isKept: (value: V) => boolean): Promise<V | undefined> {
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
  forget(key: K): void {
    this.#epoch++
    this.#entries.delete(key)
  }

  /** `act` deletes what is old. */
  forgetSome(act: (memory: M) => void): void {
    this.#epoch++
    act(this.#entries)
  }

  clear(): void {
    this.#epoch++
    this.#entries.clear()
  }

  #mayServe(): boolean {
    const { validity, maxStaleMs, now } = this.#options
    return now() - validity.checkedAt <= maxStaleMs
  }

  async #load(key: K, load: () => Promise<V | undefined>, isKept: (value: V) => boolean): Promise<V | undefined> {
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
