// Why a backup is not made, or not restored. Each code is stable, each message says what to do.

export type BackupErrorCode =
  | 'BACKUP_DAMAGED' // not a backup, or damaged: take another one
  | 'BACKUP_EXISTS' // the file is there already: give another name, or --force
  | 'BACKUP_KEY_WRONG' // the master key is not the one of the backup: give that one
  | 'BACKUP_OF_OTHER_REALM' // the folder serves another realm: give a new one
  | 'BACKUP_UNREADABLE' // no such file, or no permission
  | 'BACKUP_UNWRITABLE' // the file cannot be written there
  | 'BACKUP_UNSUPPORTED' // the store is not a file: PostgreSQL has pg_dump

export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: BackupErrorCode

  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
