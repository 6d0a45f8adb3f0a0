// What a check finds, and how a check that itself fails becomes a finding.
import { codeOf } from '../../exit.ts'

/** `unknown`: it could not be checked here. */
export type Status = 'ok' | 'warn' | 'fail' | 'unknown'

export interface Finding {
  /** `machine`, `server`, `gateway` or `network`. */
  readonly area: string
  readonly check: string
  readonly status: Status
  /** What was found. */
  readonly found: string
  /** What to do about it. */
  readonly advice?: string | undefined
}

/** A finding of an area: what was found, and unless it is fine, what to do. */
export type Report = (check: string, status: Status, found: string, advice?: string) => Finding

export function reporter(area: string): Report {
  return (check, status, found, advice) => ({ area, check, status, found, ...(advice !== undefined && { advice }) })
}

/** What `work` finds; the errors of the roles, which say what to do, are findings too. */
export async function attempt(
  report: Report,
  check: string,
  work: () => Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await work()].flat()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (codeOf(error) === undefined) return [report(check, 'unknown', `it could not be checked: ${message}`)]
    const [found = message, ...advice] = message.split(/: (?=[^:]*$)/)
    return [report(check, 'fail', found, advice.join(': ') || undefined)]
  }
}
