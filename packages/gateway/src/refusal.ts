// How a flow ends early: what the PNE is told, and the reason that only our log knows. docs/protocol.md section 6.

import { IoError } from '@opencpns/io'
import { ProtocolError, Result } from '@opencpns/protocol'

/** Ends a flow of one PNE. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code = 'REFUSED'
  readonly result: Result
  /** For the log, in one word. */
  readonly reason: string

  constructor(result: Result, reason: string) {
    super(reason)
    this.result = result
    this.reason = reason
  }
}

/** `tell`: the result that the PNE gets; undefined where nobody listens any more. `fault`: ours, to be logged as an error. */
interface Explanation {
  readonly tell: Result | undefined
  readonly reason: string
  readonly fault: boolean
}

const misbehaviour: ReadonlySet<string> = new Set(['FRAME_TOO_LARGE', 'FRAME_EMPTY', 'UNEXPECTED_OCTETS'])

/** What to do about an error that ended a flow. */
export function explain(error: unknown): Explanation {
  if (error instanceof Refusal) return { tell: error.result, reason: error.reason, fault: false }
  if (error instanceof ProtocolError) return { tell: Result.malformedMessage, reason: kebab(error.code), fault: false }
  if (error instanceof IoError) {
    const tell = misbehaviour.has(error.code) ? Result.malformedMessage : undefined
    return { tell, reason: kebab(error.code), fault: false }
  }
  return { tell: Result.busy, reason: 'internal-error', fault: true }
}

function kebab(code: string): string {
  return code.toLowerCase().replaceAll('_', '-')
}
