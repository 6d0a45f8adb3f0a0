// Duplicate detection, RFC 5080 section 2.2.2: a request that is sent again gets the same answer again, made once.

export interface DuplicateLimits {
  /** How many answers are kept. */
  maxAnswers: number
  /** How long an answer is kept. */
  lifetimeMs: number
}

interface Answer {
  readonly octets: Buffer
  readonly expiresAt: number
}

/** The answers of the last while by the key of their request. Its bound in progress is that of the pipeline. */
export class Duplicates {
  readonly #inProgress = new Set<string>()
  readonly #answers = new Map<string, Answer>()
  readonly #limits: DuplicateLimits
  /** One iterator that goes on: each new one would pass over all that was deleted before. */
  #order = this.#answers.entries()
  #oldest: [string, Answer] | undefined

  constructor(limits: DuplicateLimits) {
    this.#limits = limits
  }

  /** The answer that was given, 'in-progress', or undefined for a new request, which is in progress from here on. */
  begin(key: string, now: number): Buffer | 'in-progress' | undefined {
    if (this.#inProgress.has(key)) return 'in-progress'
    const answer = this.#answers.get(key)
    if (answer && answer.expiresAt > now) return answer.octets
    this.#inProgress.add(key)
    return undefined
  }

  /** Keeps the answer, or without one forgets the request: sent again, it will be tried again. */
  end(key: string, octets: Buffer | undefined, now: number): void {
    this.#inProgress.delete(key)
    if (!octets) return
    this.#answers.delete(key)
    this.#answers.set(key, { octets, expiresAt: now + this.#limits.lifetimeMs })
    this.#dropOldest(now)
  }

  get size(): number {
    return this.#answers.size
  }

  /** The oldest come first, and expire first. */
  #dropOldest(now: number): void {
    while (this.#answers.size > 0) {
      this.#oldest ??= this.#following()
      const [key, answer] = this.#oldest
      // One that was kept anew under its key stands further on.
      if (this.#answers.get(key) === answer) {
        if (answer.expiresAt > now && this.#answers.size <= this.#limits.maxAnswers) return
        this.#answers.delete(key)
      }
      this.#oldest = undefined
    }
  }

  #following(): [string, Answer] {
    const { value, done } = this.#order.next()
    if (!done) return value
    this.#order = this.#answers.entries()
    return this.#order.next().value as [string, Answer]
  }
}
