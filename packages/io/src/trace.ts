// When each of the eight steps of an authentication was done, for the log and for whoever draws it.

/** `at`: milliseconds since the epoch, with a fraction. */
export interface StepRecord {
  readonly step: number
  readonly from: string
  readonly to: string
  readonly message: string
  readonly at: number
}

export class Trace {
  readonly #startedAt = performance.now()
  readonly steps: StepRecord[] = []

  step(step: number, from: string, to: string, message: string): void {
    this.steps.push({ step, from, to, message, at: performance.timeOrigin + performance.now() })
  }

  /** Milliseconds since this object was made, to the microsecond. */
  get ms(): number {
    return Math.round((performance.now() - this.#startedAt) * 1000) / 1000
  }
}
