// Duplicate detection, RFC 5080 section 2.2.2: a request that is sent again gets the same answer again, made once.
//
// A place is where a request came from, and its identifier. A client that uses an identifier again has done with the request
// before, so each place holds one: what is kept is as much as is on its way, and not all of the last while.

export interface DuplicateLimits {
  /** How many places are kept. */
  maxAnswers: number
  /** How long an answer is kept. */
  lifetimeMs: number
}

/** A request and, once it is there, its answer. */
export interface Remembered {
  readonly place: string
  readonly authenticator: string
  /** Undefined while the request is in progress. */
  answer: Buffer | undefined
  expiresAt: number
}

/** The newest request of each place. Its bound in progress is that of the pipeline. */
export class Duplicates {
  readonly #newest = new Map<string, Remembered>()
  readonly #limits: DuplicateLimits
  /** One iterator that goes on: each new one would pass over all that was deleted before. */
  #order = this.#newest.values()
  #oldest: Remembered | undefined

  constructor(limits: DuplicateLimits) {
    this.#limits = limits
  }

  /**
   * The answer that was given, 'in-progress', or a new request, which is in progress from here on.
   * @param authenticator tells one request of a place from another
   */
  begin(place: string, authenticator: string, now: number): Buffer | 'in-progress' | Remembered {
    const known = this.#newest.get(place)
    if (known?.authenticator === authenticator) {
      if (known.answer === undefined) return 'in-progress'
      if (known.expiresAt > now) return known.answer
    }
    const request = { place, authenticator, answer: undefined, expiresAt: now + this.#limits.lifetimeMs }
    if (known) this.#newest.delete(place)
    this.#newest.set(place, request)
    this.#dropOldest(now)
    return request
  }

  /** Keeps the answer, or without one forgets the request: sent again, it will be tried again. */
  end(request: Remembered, answer: Buffer | undefined, now: number): void {
    request.answer = answer
    request.expiresAt = now + this.#limits.lifetimeMs
    if (!answer && this.#newest.get(request.place) === request) this.#newest.delete(request.place)
  }

  get size(): number {
    return this.#newest.size
  }

  /** The oldest come first, and expire first. */
  #dropOldest(now: number): void {
    while (this.#newest.size > 0) {
      this.#oldest ??= this.#following()
      const { place, expiresAt } = this.#oldest
      // One that gave its place to a newer request is gone already.
      if (this.#newest.get(place) === this.#oldest) {
        if (expiresAt > now && this.#newest.size <= this.#limits.maxAnswers) return
        this.#newest.delete(place)
      }
      this.#oldest = undefined
    }
  }

  #following(): Remembered {
    const { value, done } = this.#order.next()
    if (!done) return value
    this.#order = this.#newest.values()
    return this.#order.next().value as Remembered
  }
}
