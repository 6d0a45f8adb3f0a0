// A backup of a data folder: its store as one file, taken while the server runs. The master key is not in it, nor any other
// secret in the clear: who finds a backup alone can calculate no key from it.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from '@opencpns/io'
import { DataFolderError } from '../datafolder/errors.ts'
import { shareFolder } from '../datafolder/lock.ts'
import { hasNextMasterKey } from '../datafolder/master-key.ts'
import { readServerFile } from '../datafolder/server-file.ts'
import { StoreError } from '../store/contract.ts'
import { BackupError } from './errors.ts'
import { type Contents, examine, type OnProgress, takeSnapshot } from './snapshot.ts'

export interface BackupOptions {
  /** A file that is there is replaced, once the new backup is good. */
  readonly overwrite?: boolean
  readonly onProgress?: OnProgress | undefined
}

/** What was written. */
export interface BackupReport extends Omit<Contents, 'checkValue'> {
  readonly file: string
  readonly octets: number
}

/**
 * Writes a backup of the store of a data folder, consistent whatever the running server does, and reads it again from end to end. The
 * file is there when it is good, for its owner alone, or not at all.
 * @throws {BackupError} BACKUP_UNSUPPORTED, BACKUP_EXISTS, BACKUP_UNWRITABLE, BACKUP_DAMAGED
 * @throws {DataFolderError} DATA_FOLDER_MISSING, DATA_FOLDER_IN_USE, MASTER_KEY_CHANGING @throws {StoreError}
 */
export async function backupDataFolder(dir: string, file: string, options: BackupOptions = {}): Promise<BackupReport> {
  const { realm, created, store } = await readServerFile(dir)
  if (store === 'postgres') throw unsupported(dir, 'take a backup of the database with pg_dump')
  const { overwrite = false, onProgress } = options
  if (!overwrite && existsSync(file)) throw exists(file)
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  const hold = await shareFolder(dir)
  try {
    if (await hasNextMasterKey(dir)) throw unfinished(dir)
    const facts = { realm, created, takenAt: new Date().toISOString() }
    await takeSnapshot(join(dir, 'cpns.db'), temporary, facts, onProgress)
    const { checkValue: _, ...contents } = examine(temporary)
    if (overwrite) await rename(temporary, file)
    else await link(temporary, file) // unlike rename, fails when the name is taken
    await rm(temporary, { force: true })
    await syncFolder(dirname(file))
    return { file, octets: (await stat(file)).size, ...contents }
  } catch (error) {
    throw refusalOf(error, file)
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
    await rm(`${temporary}-journal`, { force: true }).catch(() => {})
    hold.release()
  }
}

function refusalOf(error: unknown, file: string): unknown {
  if (error instanceof StoreError || !(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'EEXIST') return exists(file)
  const reason = reasons[String(error.code)]
  if (reason === undefined) return error
  return new BackupError('BACKUP_UNWRITABLE', `cannot write ${file}: ${reason}`, { cause: error })
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
}

/** The store is not in the folder. */
export function unsupported(dir: string, advice: string): BackupError {
  return new BackupError('BACKUP_UNSUPPORTED', `the store of ${dir} is a PostgreSQL database: ${advice}`)
}

function exists(file: string): BackupError {
  return new BackupError('BACKUP_EXISTS', `${file} is there already: give another name, or --force`)
}

function unfinished(dir: string): DataFolderError {
  return new DataFolderError(
    'MASTER_KEY_CHANGING',
    `a change of the master key in ${dir} was cut off: start the server, or run opencpns server rekey --data ${dir}, which finishes it`,
  )
}
