// Errors of the protocol craft. Every code is stable and listed in docs/errors.md.

export type ProtocolErrorCode =
  | 'MALFORMED_MESSAGE' // not deterministic CBOR, or a field that its declaration does not allow
  | 'UNEXPECTED_MESSAGE' // well-formed perhaps, but not what may come now
  | 'BAD_IDENTITY' // not a network access identifier as section 2 of docs/protocol.md wants it
  | 'BAD_PAIRING_URI' // not a `cpns:` URI

/** What a peer, a file or a person got wrong. The message never holds a secret. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
