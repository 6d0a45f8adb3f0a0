// How a request can fail, in words that a person can act on.

/** A refusal by the server (RFC 9457), or its silence. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  /** HTTP status; 0: there was no answer. */
  readonly status: number
  /** Stable: `PNE_UNKNOWN`; `UNREACHABLE` without an answer. */
  readonly code: string
  /** Seconds, when the server says when to come again. */
  readonly retryAfterS: number | undefined

  constructor(status: number, code: string, message: string, retryAfterS?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterS = retryAfterS
  }
}

export const unreachable = () => new ApiProblem(0, 'UNREACHABLE', 'The server does not answer. Is it running?')

export async function problemOf(response: Response): Promise<ApiProblem> {
  const document: unknown = await response.json().catch(() => undefined)
  const { code, detail } = (document ?? {}) as { code?: unknown; detail?: unknown }
  const retryAfterS = Number(response.headers.get('retry-after')) || undefined
  const says = typeof detail === 'string' ? sentence(detail) : `The server answered with status ${response.status}.`
  return new ApiProblem(response.status, typeof code === 'string' ? code : 'UNKNOWN', says, retryAfterS)
}

/** Details begin in lower case and have no full stop. */
function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}
