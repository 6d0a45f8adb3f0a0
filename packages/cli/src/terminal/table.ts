// A table for people: left-aligned columns, as wide as their widest cell, two spaces apart, no lines.
import type { Paint } from '../output.ts'
import { padTo, printable, widthOf } from './text.ts'

const ABSENT = '–'

/** @param rows  cells as they come; null, undefined and '' show as a dash */
export function table(
  columns: readonly string[],
  rows: readonly (readonly (string | null | undefined)[])[],
  paint: Paint,
): string {
  const cells = rows.map((row) => columns.map((_, i) => printable(row[i] ?? '') || ABSENT))
  const widths = columns.map((title, i) => Math.max(widthOf(title), ...cells.map((row) => widthOf(row[i] ?? ''))))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => padTo(cell, widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [paint('strong', line(columns)), ...cells.map(line)].join('\n')
}

/** Facts about one thing: a name and a value on each line. */
export function facts(
  pairs: readonly (readonly [name: string, value: string | null | undefined])[],
  paint: Paint,
): string {
  const width = Math.max(...pairs.map(([name]) => widthOf(name)))
  return pairs
    .map(([name, value]) => `${paint('faint', padTo(name, width))}  ${printable(value ?? '') || ABSENT}`)
    .join('\n')
}

/** `2026-11-24 09:14:02`, in local time, of an ISO 8601 time; undefined for none. */
export function localTime(iso: string | null | undefined): string | undefined {
  return iso ? new Date(iso).toLocaleString('sv-SE') : undefined
}
