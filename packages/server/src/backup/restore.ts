// A backup becomes a data folder again: a new one, or one whose store it replaces. The store that is replaced stays beside it.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { giveToFolderOwner, syncFolder } from '@opencpns/io'
import { makeAdminToken } from '../datafolder/admin-access.ts'
import { DataFolderError } from '../datafolder/errors.ts'
import { writeUnlessThere } from '../datafolder/files.ts'
import { checkFree } from '../datafolder/free.ts'
import { claimFolder } from '../datafolder/lock.ts'
import { keyMissing, masterKeyFiles, readKeyAt, setMasterKey } from '../datafolder/master-key.ts'
import { formatServerFile, readServerFile } from '../datafolder/server-file.ts'
import { unsupported } from './backup.ts'
import { BackupError } from './errors.ts'
import { type Contents, examine, makeStore } from './snapshot.ts'

const DATABASE = 'cpns.db'
const REPLACED = 'cpns.db.replaced'

export interface RestoreOptions {
  /** Where the master key of the backup is; without it, the folder has it already. */
  readonly masterKeyFile?: string | undefined
  /** The folder is a data folder already: its store is replaced. */
  readonly overwrite?: boolean
}

/** What was restored. */
export interface RestoreReport extends Omit<Contents, 'checkValue'> {
  /** Where the store is that was there before; null of a new folder. */
  readonly replaced: string | null
}

/**
 * Puts the store of a backup into a data folder in which no server runs. Nothing in the folder changes before backup and master key
 * are known to be good; cut off later, it can be done again.
 * @throws {BackupError} @throws {StoreError} STORE_NEWER, STORE_NOT_OURS, STORE_FULL
 * @throws {DataFolderError} DATA_FOLDER_EXISTS (without `overwrite`), DATA_FOLDER_NOT_EMPTY, DATA_FOLDER_IN_USE, MASTER_KEY_*
 */
export async function restoreDataFolder(
  file: string,
  dir: string,
  { masterKeyFile, overwrite = false }: RestoreOptions = {},
): Promise<RestoreReport> {
  // 1. Backup and folder are what they should be.
  const { checkValue, ...contents } = examine(file)
  const isThere = overwrite && existsSync(join(dir, 'server.json'))
  if (isThere) await checkFolder(dir, contents.realm)
  else await checkFree(dir)
  const keyFile = await findKey(checkValue, masterKeyFile === undefined ? await keysIn(dir) : [masterKeyFile])
  if (!isThere) await makeFolder(dir)
  const hold = await claimFolder(dir)
  const copy = join(dir, `.${DATABASE}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    // 2. A copy of it is in the folder, as good as the file was.
    await copyFile(file, copy)
    await chmod(copy, 0o600)
    examine(copy)
    makeStore(copy)
    await giveToFolderOwner(copy)
    // 3. It takes the place of what was there.
    const replaced = await putAside(dir)
    await rename(copy, join(dir, DATABASE))
    await syncFolder(dir)
    // 4. What goes with it; server.json comes last, for with it the folder is complete.
    await setMasterKey(dir, keyFile)
    await makeAdminToken(dir)
    await writeUnlessThere(join(dir, 'server.json'), formatServerFile(contents.realm, contents.created))
    return { ...contents, replaced }
  } finally {
    await rm(copy, { force: true }).catch(() => {})
    hold.release()
  }
}

async function checkFolder(dir: string, realm: string): Promise<void> {
  const { realm: served, store } = await readServerFile(dir)
  if (store === 'postgres') throw unsupported(dir, 'restore that with pg_restore, or give a new folder')
  if (served === realm) return
  throw new BackupError(
    'BACKUP_OF_OTHER_REALM',
    `the backup is of ${realm}, ${dir} serves ${served}: restore it into a folder of its own`,
  )
}

async function keysIn(dir: string): Promise<string[]> {
  const files = await masterKeyFiles(dir)
  if (files.length === 0) throw keyMissing(join(dir, 'master.key'), 'give the one of the backup with --master-key FILE')
  return files
}

/** The one of these files that holds the master key of the backup. */
async function findKey(checkValue: Uint8Array, files: readonly string[]): Promise<string> {
  for (const file of files) {
    const vault = await readKeyAt(file)
    if (vault.checkValue().equals(checkValue)) return file
  }
  throw new BackupError(
    'BACKUP_KEY_WRONG',
    `${files.join(', ')} is not the master key of this backup: give that one with --master-key FILE`,
  )
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true })
    await chmod(dir, 0o700)
  } catch (cause) {
    throw new DataFolderError('DATA_FOLDER_NOT_EMPTY', `${dir} cannot be made: choose another folder`, { cause })
  }
}

/** Moves the store that is there out of the way, as one file if it can still be read. */
async function putAside(dir: string): Promise<string | null> {
  const path = join(dir, DATABASE)
  if (!existsSync(path)) return null
  closeDown(path)
  for (const rest of ['-wal', '-shm']) await rm(`${path}${rest}`, { force: true }) // of another database they would be poison
  await rename(path, join(dir, REPLACED))
  return join(dir, REPLACED)
}

function closeDown(path: string): void {
  try {
    const db = new DatabaseSync(path)
    try {
      db.exec('PRAGMA journal_mode = DELETE')
    } finally {
      db.close()
    }
  } catch {
    // It is damaged, which may be why it is replaced.
  }
}
