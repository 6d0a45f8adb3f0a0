// What an authentication did and when, step by step, for those who want to see it.

export type Party = 'PNE' | 'PN GW' | 'CPNS Server'

export interface Step {
  /** 1 to 8: docs/protocol.md section 1. */
  readonly step: number
  readonly from: Party
  readonly to: Party
  readonly message: string
  /** Milliseconds since the epoch, with a fraction. */
  readonly at: number
}

/** Gives each step its time. */
export function tracer(onStep: ((step: Step) => void) | undefined) {
  return (step: number, from: Party, to: Party, message: string): void =>
    onStep?.({ step, from, to, message, at: performance.timeOrigin + performance.now() })
}
