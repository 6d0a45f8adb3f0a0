// Errors of the RADIUS craft. Every code is stable and listed in docs/errors.md.

export type RadiusErrorCode =
  | 'RADIUS_MALFORMED' // not a packet or attribute as its RFC wants it, or above a limit
  | 'RADIUS_BAD_AUTHENTICATOR' // Message-Authenticator or Response Authenticator missing, or not what the shared secret gives
  | 'RADIUS_NO_ANSWER' // no valid answer within the deadline, all retransmissions included
  | 'RADIUS_UNREACHABLE' // the socket or the TLS connection could not be opened, or broke
  | 'RADIUS_BUSY' // more requests in flight than the client's bound
  | 'RADIUS_CLOSED' // the client or server was closed by its owner
  | 'RADIUS_LISTEN_FAILED' // the server cannot listen there

/** What the other side, the network or the operator got wrong. The message never holds a secret. */
export class RadiusError extends Error {
  override readonly name = 'RadiusError'
  readonly code: RadiusErrorCode

  constructor(code: RadiusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
