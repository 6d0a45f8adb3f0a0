// What the admin API itself refuses, beside what the registry, the store and gateways refuse.

export type AdminErrorCode =
  | 'ADMIN_NEEDS_TLS' // the admin API was to listen beyond the loopback address without TLS
  | 'BODY_TOO_LARGE' // larger than 64 KiB
  | 'CONSOLE_HEADER_REQUIRED' // a request by cookie that changes something needs "x-opencpns-console: 1"
  | 'HOST_UNKNOWN' // the header Host is none of this machine's names, on the loopback address without TLS
  | 'IDEMPOTENCY_KEY_INVALID' // 1 to 128 visible ASCII characters
  | 'IDEMPOTENCY_KEY_REUSED' // the key came with another request before: take another key
  | 'INTERNAL_ERROR' // the log of the server tells why
  | 'MEDIA_TYPE_UNSUPPORTED' // not application/json
  | 'REQUEST_INVALID' // not what the schema of the route allows
  | 'REQUEST_TIMEOUT' // the request was not whole in time
  | 'REQUEST_UNDER_WAY' // one with this idempotency key is being carried out: wait
  | 'ROLE_INSUFFICIENT' // the token may not do this
  | 'ROUTE_UNKNOWN' // nothing at this path for this method
  | 'TLS_FILE_INVALID' // certificate and key are not PEM, or do not belong together
  | 'TOKEN_REQUIRED' // no token or session, or one that is unknown, expired or revoked
  | 'TOO_MANY_ATTEMPTS' // too many failed logins from this address: wait

export class AdminError extends Error {
  override readonly name = 'AdminError'
  readonly code: AdminErrorCode
  /** Seconds after which it may go well. */
  readonly retryAfterS: number | undefined

  constructor(code: AdminErrorCode, message: string, options: { retryAfterS?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.retryAfterS = options.retryAfterS
  }
}
