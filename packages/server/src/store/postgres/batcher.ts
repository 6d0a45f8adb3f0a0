// Many small requests as few large ones: while one is under way, those that come are gathered, and go together as the next.
// A single request goes at the end of its turn; nobody waits for a clock.
import { StoreError } from '../contract.ts'
import { isOfSome } from './errors.ts'

/** Requests that may wait. */
const WAITING_MAX = 10_000

interface Job<In, Out> {
  input: In
  resolve: (output: Out) => void
  reject: (error: unknown) => void
}

interface BatcherOptions<In, Out> {
  /**
   * Gives an answer for each input, in their order. A rejection is the answer of all, unless it may be about some of them only:
   * then each is run alone.
   */
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
  #alone = 0
  #scheduled = false
  #closing: PromiseWithResolvers<void> | undefined

  constructor(options: BatcherOptions<In, Out>) {
    this.#options = options
  }

  add(input: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      if (this.#closing) {
        reject(new StoreError('STORE_CLOSED', 'the store is closed'))
        return
      }
      if (this.#waiting.length >= WAITING_MAX) {
        reject(new StoreError('STORE_BUSY', 'too many requests at once: try again'))
        return
      }
      this.#waiting.push({ input, resolve, reject })
      this.#schedule()
    })
  }

  /** Refuses what comes later; resolves once all that came before is answered. */
  close(): Promise<void> {
    this.#closing ??= Promise.withResolvers()
    this.#endIfIdle()
    return this.#closing.promise
  }

  #endIfIdle(): void {
    if (this.#running + this.#alone === 0 && this.#waiting.length === 0) this.#closing?.resolve()
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
    await this.#settle(jobs)
    this.#running--
    this.#schedule()
    this.#endIfIdle()
  }

  async #settle(jobs: Job<In, Out>[]): Promise<void> {
    try {
      const answers = await this.#options.run(jobs.map(({ input }) => input))
      for (const [at, { resolve, reject }] of jobs.entries()) {
        const answer = answers[at]
        if (answer?.status === 'fulfilled') resolve(answer.value)
        else reject(answer?.reason)
      }
    } catch (error) {
      if (jobs.length > 1 && isOfSome(error)) for (const job of jobs) void this.#settleAlone(job)
      else for (const { reject } of jobs) reject(error)
    }
  }

  /** Besides the runs: whoever has to wait for long holds up nobody. */
  async #settleAlone(job: Job<In, Out>): Promise<void> {
    this.#alone++
    await this.#settle([job])
    this.#alone--
    this.#endIfIdle()
  }
}
