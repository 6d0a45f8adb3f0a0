// Durations as people write them: 90d, 12h, 30m, 10s.
import { InvalidArgumentError } from 'commander'

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** Ten years: far below what a timer or a date could not hold. */
const MAX_MS = 3650 * 86_400_000

/** Milliseconds. @throws {InvalidArgumentError} */
export function parseDuration(text: string): number {
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? []
  const ms = Number(count) * (units[unit] ?? 0)
  if (ms > 0 && ms <= MAX_MS) return ms
  throw new InvalidArgumentError('It is not a duration of up to 3650 days. Write for example 90d, 12h, 30m or 10s')
}
