// Latencies counted in steps of 1, 2, 5, 10 … milliseconds: at a glance they say more than a linear scale.

export interface Step {
  readonly fromMs: number
  readonly toMs: number
  readonly count: number
}

/** 0.1 ms to 5,000 s. */
const BOUNDS_MS = [-1, 0, 1, 2, 3, 4, 5, 6].flatMap((power) =>
  [1, 2, 5].map((mantissa) => Number((mantissa * 10 ** power).toPrecision(1))),
)

export class Steps {
  readonly #counts = BOUNDS_MS.map(() => 0)

  add(ms: number): void {
    const found = BOUNDS_MS.findIndex((bound) => ms <= bound)
    const index = found === -1 ? BOUNDS_MS.length - 1 : found
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
  }

  /** From the first step that holds any to the last. */
  toArray(): Step[] {
    const all = BOUNDS_MS.map((toMs, index) => ({
      fromMs: BOUNDS_MS[index - 1] ?? 0,
      toMs,
      count: this.#counts[index] ?? 0,
    }))
    const first = all.findIndex(({ count }) => count > 0)
    return first === -1 ? [] : all.slice(first, all.findLastIndex(({ count }) => count > 0) + 1)
  }
}
