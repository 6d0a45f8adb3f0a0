// What a fault is, and what trying one gives.

/** Progress, for people. */
type Say = (text: string) => void

/** What a trial in short may take, with room for a machine that has other things to do. */
const SHORT_MS = 30_000

export interface Trial {
  /** At most 45 s in place of some minutes: for the normal test run. */
  readonly short: boolean
  readonly say: Say
  /** Whether there is time to do something once more: in short a slow machine does it less often. @param share of the trial, 0 to 1, that is over then */
  hasTime(share: number): boolean
  /** Undoes something, last first, when the trial is over, however it ends. */
  after(undo: () => unknown): void
}

export interface Fault {
  readonly name: string
  /** Keeps `promise` while it does the fault to real processes. */
  attempt(trial: Trial): Promise<Finding>
}

/** `says` is the outcome in words; further figures stand beside it. */
export interface Finding {
  readonly ok: boolean
  /** What was promised and did not hold. */
  readonly broken?: readonly string[]
  /** What would let it be tried here. */
  readonly skipped?: string
  readonly says: string
  readonly [figure: string]: unknown
}

/** The promises of a fault, each kept or broken. */
export class Promises {
  readonly #broken: string[] = []

  /** @param promise in the words of who relies on it  @param seen what there was instead, for who looks for the cause */
  keep(promise: string, kept: boolean, seen?: unknown): void {
    if (!kept) this.#broken.push(seen === undefined ? promise : `${promise}: ${JSON.stringify(seen)}`)
  }

  /** @param says the outcome in words  @param figures numbers by name, with the unit at the end of it */
  finding(says: string, figures: Readonly<Record<string, unknown>>): Finding {
    const ok = this.#broken.length === 0
    return { ok, ...(!ok && { broken: this.#broken }), says, ...figures }
  }
}

export function skipped(reason: string): Finding {
  return { ok: true, skipped: reason, says: `not tried here: ${reason}` }
}

/** Tries a fault, and undoes what it did to the machine. @param onUndo is given the way to undo it all before it is over */
export async function attempt(
  fault: Fault,
  { short, say }: Pick<Trial, 'short' | 'say'>,
  onUndo: (undo: () => Promise<void>) => void = () => {},
): Promise<Finding> {
  const undoes: (() => unknown)[] = []
  const begun = performance.now()
  const hasTime = (share: number) => !short || performance.now() - begun < share * SHORT_MS
  const undo = async () => {
    for (let last = undoes.pop(); last; last = undoes.pop()) await last()
  }
  onUndo(undo)
  try {
    return await fault.attempt({ short, say, hasTime, after: (one) => void undoes.push(one) })
  } finally {
    await undo()
  }
}
