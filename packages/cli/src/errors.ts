// What the command line itself finds wrong. Roles throw errors of their own; exit.ts knows the codes of all.

export type CliErrorCode =
  | 'USAGE' // an option or an argument that cannot be
  | 'OUT_EXISTS' // the file to write is there already
  | 'OUT_UNWRITABLE' // the file of --out cannot be written
  | 'UNIT_MISSING' // there is no such unit to remove
  | 'UNIT_NOT_OURS' // the unit was written by somebody else
  | 'UNIT_UNREACHABLE' // the service would not find its program or a file
  | 'UNIT_UNWRITABLE' // units are for root to write
  | 'CONFIG_UNREADABLE' // the configuration file is not there, or may not be read
  | 'CONFIG_INVALID' // a key or a value that the configuration file may not have
  | 'DATA_FOLDER_MISSING' // no folder of a server
  | 'SERVER_NOT_RUNNING' // there is no admin.json in its data folder
  | 'STORE_FILE_UNUSABLE' // the file of --store-file is not there, or others may read it
  | 'TLS_FILE_UNREADABLE' // a certificate or a key of RADIUS over TLS
  | 'ADMIN_TOKEN_UNUSABLE' // the token file is not there, or holds no token
  | 'ADMIN_UNREACHABLE' // no connection to the admin API
  | 'ADMIN_TIMED_OUT' // the admin API did not answer in time
  | 'ADMIN_REFUSED' // the token is not the server's
  | 'ADMIN_FAILED' // the server answered with an error of its own, or not as the API does
  | 'NO_GATEWAY_FOUND' // on the local network
  | 'SESSION_LOST' // it ended in the middle of a stream
  | 'BENCH_FAILED' // the load could not be made: no keys were assigned, or a worker process ended
  | 'DEMO_FAILED' // a part of the demo did not do what it must

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
