// Errors of the device. Every code is stable and listed in docs/errors.md.

import { EapError } from '@opencpns/eap'
import { IoError } from '@opencpns/io'
import { ProtocolError, Result, resultName } from '@opencpns/protocol'

export type PneErrorCode =
  | 'AUTHENTICATION_FAILED' // every refusal, by either side: they look alike
  | 'UNREACHABLE' // no connection, or it ended before an answer came
  | 'DEADLINE_EXCEEDED' // the whole flow took too long
  | 'SERVER_UNREACHABLE' // the gateway does not reach the CPNS Server
  | 'BUSY' // the gateway is at a bound: try again in a while
  | 'UNSUPPORTED_VERSION' // no version of the protocol in common
  | 'SERVICE_UNAVAILABLE' // no such service at this gateway, or not for this PNE
  | 'TICKET_USED' // another device was paired with it
  | 'TICKET_EXPIRED' // ask for a new one: opencpns gateway pair
  | 'PROTOCOL_VIOLATION' // the other side does not speak docs/protocol.md
  | 'CREDENTIAL_MISSING' // make it with: opencpns pne pair URI
  | 'CREDENTIAL_UNREADABLE' // no permission, or not a file
  | 'CREDENTIAL_UNWRITABLE' // no permission, no folder, or no room
  | 'CREDENTIAL_TOO_OPEN' // others may read the file: chmod 600
  | 'CREDENTIAL_CORRUPT' // not what `pne pair` writes
  | 'CREDENTIAL_EXISTS' // a confirmed credential is never overwritten
  | 'BAD_PAIRING_URI' // not a `cpns:` URI
  | 'PORT_TAKEN' // the local port of a forward
  | 'LISTEN_FAILED' // not allowed, or no such address here
  | 'BAD_SSID' // not the name of a Wi-Fi network
  | 'ROTATION_UNAVAILABLE' // only a presence in the local case, with a credential in a file, can rotate

/** What kept the device from its session or its credential. The message says what to do and holds no secret. */
export class PneError extends Error {
  override readonly name = 'PneError'
  readonly code: PneErrorCode

  constructor(code: PneErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The one error of every refused authentication; only its `cause`, which stays on the device, differs. */
export function authenticationFailed(why?: string | Error): PneError {
  const cause = typeof why === 'string' ? new Error(why) : why
  const message =
    'authentication failed: the gateway does not accept this device, or it is no gateway to be trusted. ' +
    'The credential is unchanged; if this goes on, ask the operator whether the device is known'
  return new PneError('AUTHENTICATION_FAILED', message, { cause })
}

/** What the other side may not say, or not now. */
export function violation(what: string, cause?: unknown): PneError {
  const message = `the other side does not speak the OpenCPNS protocol: ${what}. Check the address and the version`
  return new PneError('PROTOCOL_VIOLATION', message, { cause })
}

const refusals: Partial<Record<Result, readonly [PneErrorCode, string]>> = {
  [Result.unsupportedVersion]: [
    'UNSUPPORTED_VERSION',
    'the gateway speaks no version of the protocol that we do: update',
  ],
  [Result.busy]: ['BUSY', 'the gateway is busy: try again in a while'],
  [Result.serverUnreachable]: [
    'SERVER_UNREACHABLE',
    'the gateway does not reach the CPNS Server: try again in a while',
  ],
}

const refusalsInsideTls: Partial<Record<Result, readonly [PneErrorCode, string]>> = {
  ...refusals,
  [Result.serviceUnavailable]: ['SERVICE_UNAVAILABLE', 'the gateway has no such service for this device'],
  [Result.ticketUsed]: ['TICKET_USED', 'the ticket was used already: make another one with: opencpns gateway pair'],
  [Result.ticketExpired]: ['TICKET_EXPIRED', 'the ticket has expired: make another one with: opencpns gateway pair'],
}

/** A result in the clear: a hint, by which nothing is changed. `success` and what belongs inside TLS are violations. */
export function refusedInTheClear(result: Result): PneError {
  return refused(result, refusals)
}

/** Whether a gateway turned this key away, or somebody who speaks in its name: another key may be taken. */
export function isRefusal(error: unknown): boolean {
  return error instanceof PneError && refusalCodes.has(error.code)
}

const refusalCodes: ReadonlySet<PneErrorCode> = new Set(['AUTHENTICATION_FAILED', 'SERVER_UNREACHABLE', 'BUSY'])

/** A result other than `success` inside TLS: a fact. */
export function refusedInsideTls(result: Result): PneError {
  return refused(result, refusalsInsideTls)
}

function refused(result: Result, known: typeof refusals): PneError {
  if (result === Result.authenticationFailed) return authenticationFailed()
  const [code, message] = known[result] ?? []
  return code && message ? new PneError(code, message) : violation(`it may not answer ${resultName(result)} now`)
}

/**
 * What went wrong on a link, as a PneError.
 * @throws the reason of the caller's signal, if that is what ended the link; what is a bug of ours
 */
export function linkError(error: unknown): PneError {
  if (error instanceof PneError) return error
  if (error instanceof EapError) return authenticationFailed(error)
  if (error instanceof ProtocolError) return violation(error.message, error)
  if (!(error instanceof IoError)) throw error
  switch (error.code) {
    case 'ABORTED':
      throw error.cause
    case 'DEADLINE_EXCEEDED':
      return new PneError('DEADLINE_EXCEEDED', 'the gateway took too long: try again', { cause: error })
    case 'TLS_REFUSED':
      return authenticationFailed(error)
    case 'UNREACHABLE':
      return new PneError('UNREACHABLE', error.message, { cause: error })
    case 'LINK_CLOSED':
    case 'FRAME_TRUNCATED':
      return new PneError('UNREACHABLE', 'the gateway closed the connection: try again', { cause: error })
    case 'FRAME_TOO_LARGE':
    case 'FRAME_EMPTY':
    case 'TRANSCRIPT_TOO_LONG':
    case 'UNEXPECTED_OCTETS':
      return violation(error.message, error)
    default:
      throw error
  }
}
