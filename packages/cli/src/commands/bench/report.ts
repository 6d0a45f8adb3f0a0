// The outcome of a load as one document: what --json prints, and what the drawings are made of.
import type { Plan } from './plan.ts'
import type { Step } from './steps.ts'
import type { Latencies, Point, Slot, Tally } from './tally.ts'

export interface Report {
  /** ISO 8601 */
  readonly startedAt: string
  readonly interrupted: boolean
  readonly way: Plan['way']
  readonly servers: number
  readonly gateways: number
  readonly devices: number
  readonly workers: number
  readonly ratePerS: number
  readonly rampS: number
  readonly durationS: number
  /** Devices that came after the ramp, and what became of them: `done` and `failed` together are all of them. */
  readonly came: number
  readonly done: number
  readonly failed: number
  readonly donePerS: number
  /** Devices that came in the ramp. */
  readonly inRamp: number
  readonly errors: Readonly<Record<string, number>>
  /** In milliseconds, from when a device was to come. */
  readonly latencyMs: Latencies
  /** In milliseconds, from when it really began: what a generator that waits would have told. */
  readonly serviceMs: Latencies
  readonly generator: { readonly busiest: number; readonly lateMs: number; readonly saturated: boolean }
  /** `count` devices waited from `fromMs` to `toMs`. */
  readonly histogram: readonly Step[]
  readonly curve: readonly Point[]
  /** The course of it. */
  readonly slots: readonly Slot[]
}

export function reportOf(
  plan: Plan,
  tally: Tally,
  of: { readonly startedAt: Date; readonly lastedMs: number; readonly interrupted: boolean },
): Report {
  const { way, servers, runningGateways, gateways, devices, workers, schedule } = plan
  const durationMs = of.interrupted ? Math.max(0, of.lastedMs - schedule.rampMs) : schedule.durationMs
  const { done, failed, inRamp, errors, generator, histogram, curve, slots } = tally
  return {
    startedAt: of.startedAt.toISOString(),
    interrupted: of.interrupted,
    ...{ way, servers: servers.length, gateways: runningGateways.length || gateways, devices, workers },
    ratePerS: schedule.ratePerS,
    rampS: schedule.rampMs / 1000,
    durationS: Math.round(durationMs / 100) / 10,
    ...{ came: done + failed, done, failed },
    donePerS: durationMs === 0 ? 0 : Math.round((done / durationMs) * 10_000) / 10,
    ...{ inRamp, errors },
    latencyMs: tally.latency,
    serviceMs: tally.service,
    ...{ generator, histogram, curve, slots },
  }
}
