// How many authentications ended in each of the last seconds, by case and result. Counters in one array: counting allocates nothing.

/** Whole seconds that are remembered. */
const SECONDS = 128
const KINDS = 4

/** By case and result: local accepted, local refused, remote accepted, remote refused. */
export type Counts = readonly [number, number, number, number]

export interface Second {
  /** Seconds since the epoch. */
  readonly at: number
  readonly local: { readonly accepted: number; readonly refused: number }
  readonly remote: { readonly accepted: number; readonly refused: number }
}

/** Where in {@link Counts} this case and result are. */
export function kindOf(which: 'local' | 'remote', result: 'accepted' | 'refused'): 0 | 1 | 2 | 3 {
  if (which === 'local') return result === 'accepted' ? 0 : 1
  return result === 'accepted' ? 2 : 3
}

export class Rates {
  /** Which second a slot counts. */
  readonly #seconds = new Float64Array(SECONDS)
  readonly #counts = new Float64Array(SECONDS * KINDS)

  /** @param atS  seconds since the epoch; what is older than all that is remembered is not counted */
  count(atS: number, kind: 0 | 1 | 2 | 3, by = 1): void {
    const slot = atS % SECONDS
    if (this.#seconds[slot] !== atS) {
      if ((this.#seconds[slot] ?? 0) > atS) return
      this.#seconds[slot] = atS
      this.#counts.fill(0, slot * KINDS, (slot + 1) * KINDS)
    }
    const at = slot * KINDS + kind
    this.#counts[at] = (this.#counts[at] ?? 0) + by
  }

  countsOf(atS: number): Counts {
    const slot = atS % SECONDS
    if (this.#seconds[slot] !== atS) return [0, 0, 0, 0]
    const [localAccepted = 0, localRefused = 0, remoteAccepted = 0, remoteRefused = 0] = this.#counts.subarray(
      slot * KINDS,
      (slot + 1) * KINDS,
    )
    return [localAccepted, localRefused, remoteAccepted, remoteRefused]
  }

  second(atS: number): Second {
    const [localAccepted, localRefused, remoteAccepted, remoteRefused] = this.countsOf(atS)
    return {
      at: atS,
      local: { accepted: localAccepted, refused: localRefused },
      remote: { accepted: remoteAccepted, refused: remoteRefused },
    }
  }

  /** The `seconds` before `beforeS`, oldest first. @param seconds  at most 127 */
  last(seconds: number, beforeS: number): Second[] {
    return Array.from({ length: seconds }, (_, at) => this.second(beforeS - seconds + at))
  }
}
