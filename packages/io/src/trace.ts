// When each of the eight steps of an authentication was done (docs/protocol.md section 1), for the log and for whoever draws it.

/** It never changes, and asking for it costs more than asking for the time. */
const TIME_ORIGIN = performance.timeOrigin

export type Party = 'PNE' | 'PN GW' | 'CPNS Server'

export interface Step {
  /** 1 to 8. */
  readonly step: number
  readonly from: Party
  readonly to: Party
  readonly message: string
  /** Milliseconds since the epoch, with a fraction. */
  readonly at: number
}

/** By a clock that never goes back: milliseconds since the epoch, with a fraction. */
export function timeNow(): number {
  return TIME_ORIGIN + performance.now()
}

/** A step that is done now. */
export function stepNow(step: number, from: Party, to: Party, message: string): Step {
  return { step, from, to, message, at: timeNow() }
}

/** The steps of one authentication, as one party sees them. */
export class Trace {
  readonly #startedAt = performance.now()
  readonly steps: Step[] = []

  step(step: number, from: Party, to: Party, message: string): void {
    this.steps.push(stepNow(step, from, to, message))
  }

  /** Names the trace that the steps become spans of, and the place in it, for whoever goes on; undefined where there is none. */
  get traceparent(): string | undefined {
    return undefined
  }

  /** When this object was made: milliseconds since the epoch, with a fraction. */
  get startedAt(): number {
    return TIME_ORIGIN + this.#startedAt
  }

  /** Milliseconds since this object was made, to the microsecond. */
  get ms(): number {
    return Math.round((performance.now() - this.#startedAt) * 1000) / 1000
  }
}
