// What one authentication did and when, for its one line in the log.

type Party = 'PNE' | 'PN GW' | 'CPNS Server'

/** `at`: milliseconds since the epoch, with a fraction. */
interface Step {
  readonly step: number
  readonly from: Party
  readonly to: Party
  readonly message: string
  readonly at: number
}

export class Trace {
  readonly startedAt = performance.now()
  readonly steps: Step[] = []

  step(step: number, from: Party, to: Party, message: string): void {
    this.steps.push({ step, from, to, message, at: performance.timeOrigin + performance.now() })
  }

  /** Milliseconds since the connection came. */
  get ms(): number {
    return Math.round((performance.now() - this.startedAt) * 1000) / 1000
  }
}
