// What the command line itself finds wrong. Roles throw errors of their own; exit.ts knows the codes of all.

export type CliErrorCode =
  | 'USAGE'
  | 'OUT_EXISTS' // the file to write is there already
  | 'OUT_UNWRITABLE'
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_INVALID'
  | 'DATA_FOLDER_MISSING'
  | 'SERVER_NOT_RUNNING' // there is no admin.json in its data folder
  | 'TLS_FILE_UNREADABLE'
  | 'ADMIN_TOKEN_UNUSABLE'
  | 'ADMIN_UNREACHABLE'
  | 'ADMIN_TIMED_OUT'
  | 'ADMIN_REFUSED' // the token is not the server's
  | 'ADMIN_FAILED' // the server answered with an error of its own, or not as the API does
  | 'NO_GATEWAY_FOUND' // on the local network
  | 'SESSION_LOST' // it ended in the middle of a stream
  | 'DEMO_FAILED'

/** The message says what failed, why, and what to do next: `what: why. What to do`. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string

  /** @param code one of ours, or the one that the admin API answered with */
  constructor(code: CliErrorCode | (string & {}), message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
