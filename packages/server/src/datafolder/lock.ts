// Who is in a data folder: servers share it, and what must be alone in it (a change of the master key, a restored backup)
// claims it. Both are locks of SQLite on an empty file, run.lock: the system drops them with the process, however that ends.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { DataFolderError } from './errors.ts'
import { writeUnlessThere } from './files.ts'

const LOCK_FILE = 'run.lock'
const SQLITE_BUSY = 5
/** Who claims it may be about to finish; who shares it is a server, which will not. */
const PATIENCE_MS = 10_000
const IMPATIENCE_MS = 300
const POLL_MS = 50

/** Until it is released, or the process ends. */
export interface Hold {
  /** Idempotent. */
  release(): void
}

/** Together with others who share. @throws {DataFolderError} DATA_FOLDER_IN_USE: somebody claims it */
export function shareFolder(dir: string): Promise<Hold> {
  return hold(dir, 'BEGIN; SELECT count(*) FROM sqlite_schema', PATIENCE_MS)
}

/** Alone. @throws {DataFolderError} DATA_FOLDER_IN_USE: somebody shares it, or claims it */
export function claimFolder(dir: string, { isPatient = false } = {}): Promise<Hold> {
  return hold(dir, 'BEGIN EXCLUSIVE', isPatient ? PATIENCE_MS : IMPATIENCE_MS)
}

/** Whether somebody shares it, or claims it. */
export async function isHeld(dir: string): Promise<boolean> {
  try {
    const alone = await hold(dir, 'BEGIN EXCLUSIVE', 0)
    alone.release()
    return false
  } catch (error) {
    if (error instanceof DataFolderError && error.code === 'DATA_FOLDER_IN_USE') return true
    throw error
  }
}

async function hold(dir: string, statement: string, patienceMs: number): Promise<Hold> {
  const path = join(dir, LOCK_FILE)
  // Opening a file and closing it again would drop the locks that this process has on it already.
  if (!existsSync(path)) await writeUnlessThere(path, '')
  const lock = new DatabaseSync(path, { timeout: 0 })
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      lock.exec(statement)
      return { release: () => lock.isOpen && lock.close() }
    } catch (cause) {
      if (lock.isTransaction) lock.exec('ROLLBACK')
      if (!isBusy(cause) || performance.now() > end) {
        lock.close()
        throw isBusy(cause) ? inUse(dir, cause) : cause
      }
      await sleep(POLL_MS)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === SQLITE_BUSY
}

function inUse(dir: string, cause: unknown): DataFolderError {
  return new DataFolderError(
    'DATA_FOLDER_IN_USE',
    `a server runs in ${dir}, or its master key is being changed, or a backup restored: stop the server, or wait`,
    { cause },
  )
}
