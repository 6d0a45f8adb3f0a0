// What a bench is and what it gives: `--json` prints these figures as they are.

export interface Figure {
  readonly value: number
  readonly unit: string
  /** This value over that of the bench named in `to`, measured in the same run. */
  readonly ratio: number | null
  readonly to: string | null
  /** In words: `ratio ≥ 0.8`. */
  readonly goal: string | null
  readonly ok: boolean
  readonly [further: string]: unknown
}

export interface BenchOptions {
  readonly wanted: readonly string[]
  readonly quick: boolean
  /** Progress, for people. */
  readonly say: (text: string) => void
}

export interface Bench {
  readonly names: readonly string[]
  /** Figures by name: of those that are wanted, and of those that they are compared to. */
  run(options: BenchOptions): Promise<Record<string, Figure>>
}

/** A figure that is only there for others to compare to. */
export function plain(value: number, unit: string): Figure {
  return { value: rounded(value), unit, ratio: null, to: null, goal: null, ok: true }
}

/** A figure with a bound on its value. */
export function bounded(value: number, unit: string, bound: { atLeast: number } | { atMost: number }): Figure {
  const ok = 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost
  const goal = 'atLeast' in bound ? `≥ ${count(bound.atLeast)} ${unit}` : `≤ ${count(bound.atMost)} ${unit}`
  return { value: rounded(value), unit, ratio: null, to: null, goal, ok }
}

/** A figure with a bound on its ratio to another one. */
export function compared(
  value: number,
  unit: string,
  other: { value: number; to: string },
  bound: { atLeast: number } | { atMost: number },
): Figure {
  const ratio = value / other.value
  const ok = 'atLeast' in bound ? ratio >= bound.atLeast : ratio <= bound.atMost
  const goal = 'atLeast' in bound ? `ratio ≥ ${bound.atLeast}` : `ratio ≤ ${bound.atMost}`
  return { value: rounded(value), unit, ratio: Math.round(ratio * 1000) / 1000, to: other.to, goal, ok }
}

/** The middle one: what a noisy machine spoils least. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** A table for people. */
export function toRows(figures: Readonly<Record<string, Figure>>): string {
  const rows = Object.entries(figures).map(([name, figure]) => [
    name,
    `${count(figure.value)} ${figure.unit}`,
    figure.ratio === null ? '' : `${figure.ratio.toFixed(3)} × ${figure.to}`,
    figure.goal ?? '',
    figure.goal === null ? '' : figure.ok ? 'reached' : 'MISSED',
  ])
  const table = [['bench', 'value', 'ratio', 'goal', ''], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  return `${table
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`
}

function count(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(rounded(value))
}

function rounded(value: number): number {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(4))
}
