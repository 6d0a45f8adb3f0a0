// All that became of a load: latencies as HDR histograms (hdr-histogram-js) in microseconds, codes, and the course of it in slots
// of time. A device belongs to the slot in which it was to come, however late it was served.
import { build, type Histogram } from 'hdr-histogram-js'
import type { Batch } from './messages.ts'
import type { Schedule } from './plan.ts'
import { type Step, Steps } from './steps.ts'

/** An hour: longer than any device waits. */
const HIGHEST_US = 3_600_000_000
const SLOTS_MAX = 120
/** A worker that takes this much of a core is what limits the load. */
const SATURATED = 0.9
/** Or one that sends devices so late, of a hundred the latest. */
const LATE_MS = 10

const PERCENTILES = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.975, 99.99, 99.995, 99.999]

/** What came in one slot of time. */
export interface Slot {
  /** Since the beginning of the load. */
  readonly fromMs: number
  readonly toMs: number
  readonly done: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface Latencies {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly mean: number
}

/** A percentile of the latencies. */
export interface Point {
  readonly percentile: number
  readonly ms: number
}

export class Tally {
  readonly #latency = histogram(3)
  readonly #service = histogram(3)
  readonly #steps = new Steps()
  readonly #late = histogram(2)
  readonly #errors = new Map<string, number>()
  readonly #schedule: Schedule
  readonly #slotMs: number
  readonly #slots: { readonly latency: Histogram; failed: number }[] = []
  /** By worker. */
  readonly #costs: { readonly processorMs: number; readonly elapsedMs: number }[] = []
  #failed = 0
  #inRamp = 0

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    const totalMs = schedule.rampMs + schedule.durationMs
    this.#slotMs = Math.max(1000, Math.ceil(totalMs / SLOTS_MAX / 1000) * 1000)
  }

  add({ worker, at, latency, service, codes, processorMs, elapsedMs }: Batch): void {
    for (const [index, code] of codes.entries()) {
      this.#addOne(at[index] ?? 0, latency[index] ?? 0, service[index] ?? 0, code)
    }
    const cost = this.#costs[worker] ?? { processorMs: 0, elapsedMs: 0 }
    this.#costs[worker] = {
      processorMs: cost.processorMs + processorMs,
      elapsedMs: cost.elapsedMs + elapsedMs,
    }
  }

  /** Devices after the ramp. */
  get done(): number {
    return this.#latency.totalCount
  }

  /** Of successes after the ramp, counted from when they were to come. */
  get latency(): Latencies {
    return latenciesOf(this.#latency)
  }

  /** The same, counted from when they really began. */
  get service(): Latencies {
    return latenciesOf(this.#service)
  }

  get histogram(): readonly Step[] {
    return this.#steps.toArray()
  }

  /** How long the devices waited, up to each of these percentiles. */
  get curve(): readonly Point[] {
    if (this.done === 0) return []
    const at = (percentile: number) => ({ percentile, ms: millis(this.#latency.getValueAtPercentile(percentile)) })
    return PERCENTILES.filter((percentile) => this.done * (1 - percentile / 100) >= 1).map(at)
  }

  get failed(): number {
    return this.#failed
  }

  get inRamp(): number {
    return this.#inRamp
  }

  /** Of devices after the ramp. */
  get errors(): Record<string, number> {
    return Object.fromEntries([...this.#errors].sort(([, one], [, other]) => other - one))
  }

  /** Whether this machine, and not what it loads, set the limit: the share of a core that the busiest worker took, and how late devices came. */
  get generator(): { readonly busiest: number; readonly lateMs: number; readonly saturated: boolean } {
    const shares = this.#costs.map(({ processorMs, elapsedMs }) => processorMs / elapsedMs)
    const busiest = Math.round(Math.max(0, ...shares) * 100) / 100
    const lateMs = latenciesOf(this.#late).p99
    return { busiest, lateMs, saturated: busiest >= SATURATED || lateMs >= LATE_MS }
  }

  get slots(): Slot[] {
    return Array.from(this.#slots, (slot, index) => ({
      fromMs: index * this.#slotMs,
      toMs: (index + 1) * this.#slotMs,
      done: slot?.latency.totalCount ?? 0,
      failed: slot?.failed ?? 0,
      p50Ms: millis(slot?.latency.getValueAtPercentile(50) ?? 0),
      p99Ms: millis(slot?.latency.getValueAtPercentile(99) ?? 0),
      maxMs: millis(slot?.latency.maxValue ?? 0),
    }))
  }

  #addOne(at: number, latencyMs: number, serviceMs: number, code: string): void {
    const slot = this.#slotOf(at)
    if (code === '') record(slot.latency, latencyMs)
    else slot.failed++
    if (at < this.#schedule.rampMs) {
      this.#inRamp++
      return
    }
    record(this.#late, latencyMs - serviceMs)
    if (code === '') {
      record(this.#latency, latencyMs)
      this.#steps.add(latencyMs)
      record(this.#service, serviceMs)
    } else {
      this.#failed++
      this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
    }
  }

  #slotOf(at: number) {
    const index = Math.floor(at / this.#slotMs)
    const slot = this.#slots[index] ?? { latency: histogram(2), failed: 0 }
    this.#slots[index] = slot
    return slot
  }
}

/** In milliseconds. */
function latenciesOf(of: Histogram): Latencies {
  const at = (percentile: number) => millis(of.totalCount === 0 ? 0 : of.getValueAtPercentile(percentile))
  const { maxValue: max, mean } = of
  return {
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: millis(max),
    mean: millis(of.totalCount === 0 ? 0 : mean),
  }
}

function histogram(digits: 2 | 3): Histogram {
  return build({ bitBucketSize: 32, highestTrackableValue: HIGHEST_US, numberOfSignificantValueDigits: digits })
}

function record(into: Histogram, ms: number): void {
  into.recordValue(Math.min(HIGHEST_US, Math.max(1, Math.round(ms * 1000))))
}

/** Milliseconds with three digits that count. */
function millis(us: number): number {
  return Number((us / 1000).toPrecision(us >= 1_000_000 ? 4 : 3))
}
