// The eight steps of one session, put together from what PNE, gateway and server each saw.
import { type Party, parties } from '../../terminal.ts'

/** A step as a role reports it; `at` in ms since the epoch, with a fraction. */
export interface SeenStep {
  readonly step: number
  readonly from: Party
  readonly to: Party
  readonly message: string
  readonly at: number
}

/** `ms` since the end of the step before; `atMs` since the PNE began. */
export interface Step {
  readonly step: number
  readonly from: Party
  readonly to: Party
  readonly message: string
  readonly ms: number
  readonly atMs: number
}

export interface Sightings {
  readonly pne: readonly SeenStep[]
  readonly gateway: readonly SeenStep[]
  readonly server: readonly SeenStep[]
}

/** Who knows best when a step was done: its receiver, where that one reports; otherwise who comes next in the row. */
const witnesses: Record<number, readonly (keyof Sightings)[]> = {
  1: ['gateway', 'pne'],
  2: ['gateway'],
  3: ['gateway', 'server'],
  4: ['server'],
  5: ['server', 'pne'],
  6: ['gateway', 'server'],
  7: ['pne', 'gateway'],
  8: ['pne', 'gateway'],
}

/**
 * One sighting for each step that happened, in order.
 * @param beganAt  when the PNE began, ms since the epoch
 */
export function mergeSteps(seen: Sightings, beganAt: number): Step[] {
  const steps: Step[] = []
  let before = beganAt
  for (const [number, order] of Object.entries(witnesses)) {
    const step = order.map((who) => seen[who].findLast((one) => one.step === Number(number))).find(Boolean)
    if (step === undefined) continue
    // The clocks of three processes differ by some microseconds; time does not run backwards.
    const at = Math.max(step.at, before)
    const { from, to, message } = step
    steps.push({ step: step.step, from, to, message, ms: rounded(at - before), atMs: rounded(at - beganAt) })
    before = at
  }
  return steps
}

/** The steps in a line of a log. What is not a step is left out: a log is text from another process. */
export function stepsIn(line: Readonly<Record<string, unknown>>): SeenStep[] {
  return Array.isArray(line['steps']) ? line['steps'].filter(isStep) : []
}

function isStep(value: unknown): value is SeenStep {
  if (typeof value !== 'object' || value === null) return false
  const { step, from, to, message, at } = value as Record<string, unknown>
  const isNumbered = Number.isInteger(step) && typeof at === 'number' && typeof message === 'string'
  return isNumbered && isParty(from) && isParty(to)
}

function isParty(value: unknown): value is Party {
  return parties.some((party) => party === value)
}

/** Thousandths of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
