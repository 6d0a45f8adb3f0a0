// What became of arrivals, gathered and told in batches, with what this process cost meanwhile.
import type { Batch } from '../messages.ts'

const TELL_AFTER_MS = 100

export class Outcomes {
  readonly #worker: number
  readonly #tell: (batch: Batch) => void
  readonly #timer: NodeJS.Timeout
  #rows: { at: number; latency: number; service: number; code: string }[] = []
  #cost = process.cpuUsage()
  #toldAt = performance.now()

  constructor(worker: number, tell: (batch: Batch) => void) {
    this.#worker = worker
    this.#tell = tell
    this.#timer = setInterval(() => this.#flush(), TELL_AFTER_MS)
  }

  /** @param at when it was to come; a timer may be early by less than 1 ms: then it counts from `began`  @param code empty for a success; all times since the beginning of the load */
  add(at: number, began: number, ended: number, code: string): void {
    this.#rows.push({ at, latency: ended - Math.min(at, began), service: ended - began, code })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#flush()
  }

  #flush(): void {
    const rows = this.#rows
    this.#rows = []
    const { user, system } = process.cpuUsage(this.#cost)
    const now = performance.now()
    this.#tell({
      says: 'batch',
      worker: this.#worker,
      at: Float64Array.from(rows, ({ at }) => at),
      latency: Float64Array.from(rows, ({ latency }) => latency),
      service: Float64Array.from(rows, ({ service }) => service),
      codes: rows.map(({ code }) => code),
      processorMs: (user + system) / 1000,
      elapsedMs: now - this.#toldAt,
    })
    this.#cost = process.cpuUsage()
    this.#toldAt = now
  }
}
