// How long each of the eight steps took in the last five minutes, as histograms of fixed buckets: each bucket is an eighth of
// an octave, so a percentile is right to 6 %. Recording is two additions and allocates nothing.

const SLICE_S = 10
const SLICES = 31
const STEPS = 8
/** Parts of an octave. */
const PARTS = 8
/** From 1 microsecond to 67 seconds. */
const OCTAVES = 26
const BUCKETS = OCTAVES * PARTS
const WINDOW_S = 300

const stepNames = [
  'Authentication Request from the PNE',
  'EUKey assigned here?',
  'Authentication Request forwarded',
  'EUKey calculated',
  'PNE and CPNS Server authenticate each other',
  'Authentication Response from the CPNS Server',
  'PNE and PN GW establish the secure session',
  'Authentication Response to the PNE',
] as const

export interface StepTime {
  /** 1 to 8. */
  readonly step: number
  readonly name: string
  readonly count: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** What was recorded since the last call, for other replicas: step, bucket and count, again and again. */
export type StepDelta = readonly number[]

export class StepTimes {
  readonly #slices = Array.from({ length: SLICES }, () => new Uint32Array(STEPS * BUCKETS))
  /** Which stretch of ten seconds a slice is. */
  readonly #stretches = new Float64Array(SLICES)
  #delta: Uint32Array | undefined

  /** @param step  1 to 8  @param us  microseconds that it took  @param atS  seconds since the epoch */
  record(step: number, us: number, atS: number): void {
    const bucket = (step - 1) * BUCKETS + bucketOf(us)
    add(this.#sliceAt(atS), bucket, 1)
    if (this.#delta) add(this.#delta, bucket, 1)
  }

  /** The last five minutes. */
  summary(nowS: number): StepTime[] {
    const counts = new Uint32Array(STEPS * BUCKETS)
    const oldest = Math.floor((nowS - WINDOW_S) / SLICE_S)
    for (const [at, slice] of this.#slices.entries()) {
      if ((this.#stretches[at] ?? 0) <= oldest) continue
      for (let bucket = 0; bucket < counts.length; bucket++) add(counts, bucket, slice[bucket] ?? 0)
    }
    return stepNames.map((name, at) => stepTime(at + 1, name, counts.subarray(at * BUCKETS, (at + 1) * BUCKETS)))
  }

  /** What was recorded here since the last call; from the first call on it is kept for the next. */
  takeDelta(): StepDelta {
    const taken = this.#delta
    this.#delta = new Uint32Array(STEPS * BUCKETS)
    const delta: number[] = []
    taken?.forEach((count, bucket) => {
      if (count > 0) delta.push(Math.floor(bucket / BUCKETS) + 1, bucket % BUCKETS, count)
    })
    return delta
  }

  /** What another replica recorded. What has not the form of a delta is left out. */
  merge(delta: StepDelta, atS: number): void {
    const slice = this.#sliceAt(atS)
    for (let at = 0; at + 2 < delta.length; at += 3) {
      const [step = 0, bucket = 0, count = 0] = delta.slice(at, at + 3)
      if (step >= 1 && step <= STEPS && bucket >= 0 && bucket < BUCKETS && count > 0) {
        add(slice, (step - 1) * BUCKETS + bucket, count)
      }
    }
  }

  #sliceAt(atS: number): Uint32Array {
    const stretch = Math.floor(atS / SLICE_S)
    const at = stretch % SLICES
    const slice = this.#slices[at] as Uint32Array
    if (this.#stretches[at] !== stretch) {
      this.#stretches[at] = stretch
      slice.fill(0)
    }
    return slice
  }
}

function add(to: Uint32Array, at: number, count: number): void {
  to[at] = (to[at] ?? 0) + count
}

function bucketOf(us: number): number {
  if (!(us > 1)) return 0
  return Math.min(BUCKETS - 1, Math.floor(Math.log2(us) * PARTS))
}

/** The middle of a bucket, in milliseconds. */
function middleMs(bucket: number): number {
  return Number((2 ** ((bucket + 0.5) / PARTS) / 1000).toPrecision(3))
}

function stepTime(step: number, name: string, buckets: Uint32Array): StepTime {
  const count = buckets.reduce((sum, one) => sum + one, 0)
  return { step, name, count, p50Ms: percentile(buckets, count, 0.5), p99Ms: percentile(buckets, count, 0.99) }
}

function percentile(buckets: Uint32Array, count: number, part: number): number | null {
  if (count === 0) return null
  const rank = Math.ceil(count * part)
  let below = 0
  const bucket = buckets.findIndex((one) => {
    below += one
    return below >= rank
  })
  return middleMs(bucket)
}
