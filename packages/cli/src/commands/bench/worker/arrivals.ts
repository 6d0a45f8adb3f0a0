// Devices that come at their times, whether those before them have been served or not (an open loop). What comes late because this
// process is late still counts from when it should have come.
import { sleep } from '@opencpns/io'
import type { Job } from '../messages.ts'
import { arrivalMs, arrivalsOf } from '../plan.ts'
import type { Outcomes } from './outcomes.ts'
import type { Target } from './target.ts'

/** More at once would be a fault of this process: it says so instead of dying of it. */
const UNDER_WAY_MAX = 10_000
/** How long those under way may take when the load is stopped early. */
const GRACE_MS = 2000

interface ArrivalsOptions {
  readonly job: Job
  readonly target: Target
  readonly outcomes: Outcomes
  /** The beginning of the load, in milliseconds since the epoch: the same for all workers. */
  readonly beginsAtMs: number
}

/** A device that waits; both times since the beginning of the load. */
interface Device {
  /** When it was to come. */
  readonly at: number
  readonly began: number
}

export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #begins: number
  readonly #stop = new AbortController()
  readonly #over: Promise<void>
  readonly #underWay = new Set<Device>()
  #onIdle = () => {}

  constructor(options: ArrivalsOptions) {
    this.#options = options
    this.#begins = options.beginsAtMs - performance.timeOrigin
    this.#over = this.#run()
  }

  /** Resolves when all have come, and have their outcome. */
  over(): Promise<void> {
    return this.#over
  }

  /** No more come; those under way have 2 s. */
  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { worker, workers, schedule } = this.#options.job
    const { signal } = this.#stop
    const count = arrivalsOf(schedule)
    for (let index = worker; index < count && !signal.aborted; index += workers) {
      const at = arrivalMs(index, schedule)
      const early = this.#begins + at - performance.now()
      if (early > 0) await sleep(early, { signal }).catch(() => {})
      if (!signal.aborted) this.#arrive(Math.floor(index / workers), at)
    }
    await this.#idle()
  }

  #arrive(number: number, at: number): void {
    const device = { at, began: performance.now() - this.#begins }
    if (this.#underWay.size >= UNDER_WAY_MAX) {
      this.#note(device, 'GENERATOR_FULL')
      return
    }
    this.#underWay.add(device)
    const ended = (code: string) => {
      if (!this.#underWay.delete(device)) return
      this.#note(device, code)
      if (this.#underWay.size === 0) this.#onIdle()
    }
    this.#options.target.authenticate(number).then(
      () => ended(''),
      (error: { code?: unknown }) => ended(String(error.code ?? 'INTERNAL')),
    )
  }

  #note({ at, began }: Device, code: string): void {
    this.#options.outcomes.add(at, began, performance.now() - this.#begins, code)
  }

  /** Those that are under way have ended, or the load was stopped and they had their time. */
  async #idle(): Promise<void> {
    if (this.#underWay.size === 0) return
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    const stopped = new Promise<void>((resolve) => {
      const later = () => setTimeout(resolve, GRACE_MS)
      if (this.#stop.signal.aborted) later()
      else this.#stop.signal.addEventListener('abort', later, { once: true })
    })
    await Promise.race([idle, stopped])
    for (const device of this.#underWay) this.#note(device, 'INTERRUPTED')
    this.#underWay.clear()
  }
}
