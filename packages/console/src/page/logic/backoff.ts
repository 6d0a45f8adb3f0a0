// How long to wait before the stream is tried again: doubling, bounded, and with chance in it, so that many consoles do not
// come back at the same moment.

const FIRST_MS = 500
const MOST_MS = 15_000

/** @param attempt 0 for the first @param chance 0 to 1 */
export function backoffMs(attempt: number, chance: number): number {
  const whole = Math.min(FIRST_MS * 2 ** Math.min(attempt, 10), MOST_MS)
  return Math.round(whole * (0.6 + 0.4 * chance))
}
