// Why a data folder is refused. Each code is stable, each message says what to do.

export type DataFolderErrorCode =
  | 'ADMIN_TOKEN_UNUSABLE'
  | 'DATA_FOLDER_DAMAGED'
  | 'DATA_FOLDER_EXISTS'
  | 'DATA_FOLDER_MISSING'
  | 'DATA_FOLDER_NOT_EMPTY'
  | 'MASTER_KEY_DAMAGED'
  | 'MASTER_KEY_MISSING'
  | 'MASTER_KEY_TOO_OPEN'
  | 'MASTER_KEY_WRONG'
  | 'REALM_INVALID'
  | 'SERVER_NOT_RUNNING'

export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
  readonly code: DataFolderErrorCode

  constructor(code: DataFolderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
