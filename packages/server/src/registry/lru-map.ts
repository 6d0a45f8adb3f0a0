// A map that holds at most so many entries and forgets the one that was not used for longest.
// A Map keeps the order of insertion, so an entry is renewed by taking it out and putting it in again.

export class LruMap<K, V extends object> {
  readonly #entries = new Map<K, V>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
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
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#max) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }
}
