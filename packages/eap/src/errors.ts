// Errors of the EAP craft. Every code is stable and listed in docs/errors.md.

export type EapErrorCode =
  | 'EAP_MALFORMED' // not a packet or message as RFC 3748 or RFC 5433 wants it, or above a limit
  | 'EAP_UNEXPECTED' // well-formed, but not what may come now: code, identifier, type or OP-Code
  | 'EAP_BAD_MAC' // the MAC is not the one that the pre-shared key gives
  | 'EAP_UNKNOWN_PEER' // no pre-shared key for ID_Peer
  | 'EAP_WRONG_SERVER' // ID_Server is not the one that was named before, or not one that the peer wants
  | 'EAP_WRONG_RAND' // RAND_Server or RAND_Peer is not the one that was sent: a replay or a mix-up
  | 'EAP_DOWNGRADE' // CSuite_List is not the one that was sent, or CSuite_Sel is not from it
  | 'EAP_UNSUPPORTED_CIPHERSUITE' // no ciphersuite in common
  | 'EAP_WEAK_PSK' // the pre-shared key is shorter than the ciphersuite needs
  | 'EAP_NOT_AUTHORIZED' // the peer proved who it is, and may not
  | 'EAP_REFUSED' // the other side ended the conversation
  | 'EAP_TIMED_OUT' // the conversation took longer than its deadline

/** Failure-Code of GPSK-Fail and GPSK-Protected-Fail. RFC 5433 section 9.2. */
export const FailureCode = { PskNotFound: 1, AuthenticationFailure: 2, AuthorizationFailure: 3 } as const
export type FailureCode = (typeof FailureCode)[keyof typeof FailureCode]

interface EapErrorOptions extends ErrorOptions {
  tell?: FailureCode
  told?: number
}

/** What the other side got wrong, or said. The message never holds a secret. */
export class EapError extends Error {
  override readonly name = 'EapError'
  readonly code: EapErrorCode
  /** All that the peer may learn. Without it the packet is discarded in silence, and the conversation goes on. */
  readonly tell: FailureCode | undefined
  /** The Failure-Code that the other side gave, if it gave one. */
  readonly told: number | undefined

  constructor(code: EapErrorCode, message: string, { tell, told, ...options }: EapErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.tell = tell
    this.told = told
  }
}
