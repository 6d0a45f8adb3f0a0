// A map that holds at most so many entries and forgets the one that was not used for longest.
// A Map keeps the order of insertion, so an entry is renewed by taking it out and putting it in again.

/** An iterator keeps the tables that a map has outgrown: after so many changes without a use of it, it is given up. */
const CHANGES_MAX = 1000

export class LruMap<K, V extends object> {
  readonly #entries = new Map<K, V>()
  readonly #max: number
  /** Where the oldest entry is: whoever looks for it from the beginning passes the places of thousands that are gone. */
  #oldest: MapIterator<K> | undefined
  #changes = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#renew(key, value)
    return value
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  /** Looks at all: for what seldom happens. */
  deleteWhere(isOld: (value: V, key: K) => boolean): void {
    for (const [key, value] of this.#entries) if (isOld(value, key)) this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  set(key: K, value: V): void {
    this.#renew(key, value)
    if (this.#entries.size > this.#max) this.#deleteOldest()
  }

  #renew(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (++this.#changes > CHANGES_MAX) this.#oldest = undefined
  }

  #deleteOldest(): void {
    this.#changes = 0
    this.#oldest ??= this.#entries.keys()
    let oldest = this.#oldest.next()
    if (oldest.done) {
      this.#oldest = this.#entries.keys()
      oldest = this.#oldest.next()
    }
    if (!oldest.done) this.#entries.delete(oldest.value)
  }
}
