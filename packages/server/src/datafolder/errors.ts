// Why a data folder is refused. Each code is stable, each message says what to do.

export type DataFolderErrorCode =
  | 'ADMIN_TOKEN_UNUSABLE' // admin.token is not there, too open, or no token
  | 'DATA_FOLDER_DAMAGED' // server.json is not what `server init` wrote
  | 'DATA_FOLDER_EXISTS' // it is initialised already
  | 'DATA_FOLDER_IN_USE' // a server runs in it, or its master key is being changed, or a backup restored
  | 'DATA_FOLDER_MISSING' // make it with: opencpns server init
  | 'DATA_FOLDER_NOT_EMPTY' // it holds other files, or is no folder
  | 'DATA_FOLDER_STORE_ELSEWHERE' // it goes with another store than the one that was asked for
  | 'MASTER_KEY_CHANGING' // finish that where it was begun, then copy its master.key here
  | 'MASTER_KEY_DAMAGED' // master.key holds no key
  | 'MASTER_KEY_MISSING' // restore master.key from its backup
  | 'MASTER_KEY_TOO_OPEN' // others may read master.key: chmod 600
  | 'MASTER_KEY_WRONG' // master.key and cpns.db do not belong together
  | 'REALM_INVALID' // not a domain name in lower case
  | 'SERVER_NOT_RUNNING' // there is no admin.json: start the server

export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
  readonly code: DataFolderErrorCode

  constructor(code: DataFolderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
