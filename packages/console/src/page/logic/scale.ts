// The scales of the charts: a round top for what is counted, and the seconds of the last two minutes, one slot each.

/** The smallest of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … that is not below the largest value; never below `least`. */
export function roundTop(largest: number, least = 1): number {
  const wanted = Math.max(largest, least)
  const power = 10 ** Math.floor(Math.log10(wanted))
  const factor = [1, 2, 3, 4, 5, 6, 8].find((one) => one * power >= wanted)
  return (factor ?? 10) * power
}

/** Lines of the grid from zero to a {@link roundTop}, both included: whole numbers, where things are counted. */
export function gridLines(top: number): number[] {
  const parts = [4, 5, 3, 2].find((one) => top % one === 0) ?? 1
  return Array.from({ length: parts + 1 }, (_, i) => (i * top) / parts)
}

interface At {
  readonly at: string
}

/**
 * One slot for each of the last `seconds` whole seconds, the newest last; undefined where nothing was told. What is older or
 * of the future is left out; of two for one second the later in the list counts.
 * @param now ms since the epoch
 */
export function slots<T extends At>(told: readonly T[], seconds: number, now: number): (T | undefined)[] {
  const newest = Math.floor(now / 1000)
  const found = new Map(told.map((one) => [Math.floor(Date.parse(one.at) / 1000), one]))
  return Array.from({ length: seconds }, (_, i) => found.get(newest - seconds + 1 + i))
}

/** Where `ms` lies between 0 and 1 on a logarithmic scale from `least` to `most`. */
export function logPosition(ms: number, least: number, most: number): number {
  const [value, low, high] = [ms, least, most].map((one) => Math.log10(Math.max(one, 1e-6))) as [number, number, number]
  return high <= low ? 1 : Math.min(1, Math.max(0, (value - low) / (high - low)))
}
