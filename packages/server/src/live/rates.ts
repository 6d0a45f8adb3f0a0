// How many authentications ended in each of the last seconds, by case and result. Counters in one array: counting allocates nothing.

/** Whole seconds that are remembered. */
const SECONDS = 128

/** What is counted. `undecided`: refused before it was known which case it is. */
export const kinds = ['localAccepted', 'localRefused', 'remoteAccepted', 'remoteRefused', 'undecided'] as const
export type Kind = (typeof kinds)[number]
const KINDS = kinds.length
const placeOf = Object.fromEntries(kinds.map((kind, at) => [kind, at])) as Readonly<Record<Kind, number>>

export interface Second {
  /** Seconds since the epoch. */
  readonly at: number
  readonly local: { readonly accepted: number; readonly refused: number }
  readonly remote: { readonly accepted: number; readonly refused: number }
  readonly undecided: number
}

export class Rates {
  /** Which second a slot counts. */
  readonly #seconds = new Float64Array(SECONDS)
  readonly #counts = new Float64Array(SECONDS * KINDS)

  /** @param atS  seconds since the epoch; what is older than all that is remembered is not counted */
  count(atS: number, kind: Kind, by = 1): void {
    const slot = atS % SECONDS
    if (this.#seconds[slot] !== atS) {
      if ((this.#seconds[slot] ?? 0) > atS) return
      this.#seconds[slot] = atS
      this.#counts.fill(0, slot * KINDS, (slot + 1) * KINDS)
    }
    const at = slot * KINDS + placeOf[kind]
    this.#counts[at] = (this.#counts[at] ?? 0) + by
  }

  second(atS: number): Second {
    const [localAccepted = 0, localRefused = 0, remoteAccepted = 0, remoteRefused = 0, undecided = 0] =
      this.countsOf(atS)
    const local = { accepted: localAccepted, refused: localRefused }
    return { at: atS, local, remote: { accepted: remoteAccepted, refused: remoteRefused }, undecided }
  }

  /** In the order of {@link kinds}. */
  countsOf(atS: number): number[] {
    const slot = atS % SECONDS
    const isKept = this.#seconds[slot] === atS
    return kinds.map((_, at) => (isKept ? (this.#counts[slot * KINDS + at] ?? 0) : 0))
  }

  /** The `seconds` before `beforeS`, oldest first. @param seconds  at most 127 */
  last(seconds: number, beforeS: number): Second[] {
    return Array.from({ length: seconds }, (_, at) => this.second(beforeS - seconds + at))
  }
}
