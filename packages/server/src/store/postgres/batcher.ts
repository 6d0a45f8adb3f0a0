// Many small requests as few large ones: while one is under way, those that come are gathered, and go together as the next.
// A single request goes at the end of its turn; nobody waits for a clock.
import { StoreError } from '../contract.ts'

/** Requests that may wait. */
const WAITING_MAX = 10_000

interface Job<In, Out> {
  input: In
  resolve: (output: Out) => void
  reject: (error: unknown) => void
}

interface BatcherOptions<In, Out> {
  /** Gives an answer for each input, in their order; a rejection is the answer of all. */
  run: (inputs: In[]) => Promise<PromiseSettledResult<Out>[]>
  /** Inputs of one run. */
  max: number
  /** Runs that may be under way at once. */
  parallel: number
}

export class Batcher<In, Out> {
  readonly #options: BatcherOptions<In, Out>
  readonly #waiting: Job<In, Out>[] = []
  #running = 0
  #scheduled = false

  constructor(options: BatcherOptions<In, Out>) {
    this.#options = options
  }

  add(input: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= WAITING_MAX) {
        reject(new StoreError('STORE_BUSY', 'too many requests at once: try again'))
        return
      }
      this.#waiting.push({ input, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#running === this.#options.parallel) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#run(this.#waiting.splice(0, this.#options.max))
      this.#schedule()
    })
  }

  async #run(jobs: Job<In, Out>[]): Promise<void> {
    this.#running++
    try {
      const answers = await this.#options.run(jobs.map(({ input }) => input))
      for (const [at, { resolve, reject }] of jobs.entries()) {
        const answer = answers[at]
        if (answer?.status === 'fulfilled') resolve(answer.value)
        else reject(answer?.reason)
      }
    } catch (error) {
      for (const { reject } of jobs) reject(error)
    } finally {
      this.#running--
      this.#schedule()
    }
  }
}
