// Errors of the PN GW that a person has to do something about. Every code is stable and listed in docs/errors.md.

export type GatewayErrorCode =
  | 'CREDENTIAL_MISSING' // make it with: opencpns admin gateway add NAME --out FILE
  | 'CREDENTIAL_UNREADABLE' // no permission, or not a file
  | 'CREDENTIAL_TOO_OPEN' // others may read the file
  | 'CREDENTIAL_CORRUPT' // not what `admin gateway add --out` writes
  | 'DATA_FOLDER_NOT_INITIALISED' // no gateway ever ran on it
  | 'DATA_FOLDER_LOCKED' // a gateway runs on it now
  | 'DATA_FOLDER_OTHER_GATEWAY' // it belongs to another identity
  | 'DATA_FOLDER_UNUSABLE' // cannot be made or written
  | 'DATABASE_CORRUPT' // gateway.db is damaged: restore it, or pair the devices again
  | 'DATABASE_BUSY' // another process holds it for too long
  | 'DATABASE_FULL' // no room on the disk
  | 'DATABASE_FAILED' // SQLite reports another error
  | 'STORAGE_KEY_WRONG' // storage.key is not the one that sealed the database, or is missing
  | 'BAD_ARGUMENT' // a name or an address that cannot be
  | 'PORT_TAKEN' // choose another with --listen
  | 'LISTEN_FAILED' // not allowed, or no such address here

/** What stops a gateway from running. The message says what to do and never holds a secret. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode

  constructor(code: GatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
