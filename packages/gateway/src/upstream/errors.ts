// Why a request to the CPNS Server has no good answer.

type UpstreamErrorCode =
  | 'SERVER_UNREACHABLE' // no connection, or it was lost with the request
  | 'SERVER_SILENT' // no answer in time
  | 'SERVER_REFUSED' // the server said no, or does not know this gateway
  | 'SERVER_WRONG' // it broke the protocol
  | 'TOO_MANY_REQUESTS' // as many are under way as the link allows

/** A request has no answer. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: UpstreamErrorCode

  constructor(code: UpstreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
