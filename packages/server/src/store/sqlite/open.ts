// The store in one SQLite file, by node:sqlite. WAL with synchronous=FULL: a commit is on the disk before it is answered.
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type Store, StoreError } from '../contract.ts'
import { toStoreError } from './errors.ts'
import { migrate } from './migrations.ts'
import { SqliteStore } from './store.ts'

/** How long a write waits for that of another process. It holds up this process too, so it is short. */
const BUSY_TIMEOUT_MS = 2000

/** Pages of the database that the process keeps while it writes, or has no mapping of. */
const CACHE_KIB = 8192

/**
 * As much of the file is read where the operating system keeps it, so that a look-up among millions copies nothing, and workers
 * share what is read. A disk that fails ends the process; the check at the next start, which reads as usual, says why.
 */
const MAPPED_OCTETS = 2 ** 30

/** SQLite's own, which we never change: the file is so many of them. */
const PAGE_OCTETS = 4096

/** A whole check costs about 8 ms per MiB: a larger file is checked only after a crash, and then its structure alone. */
const CHEAP_CHECK_OCTETS = 16 * 1024 * 1024

/**
 * Opens the store at `path`, creates its tables if they are missing, and brings an older schema up to date.
 * @param path  a file, or `:memory:` for one that lives as long as the process
 * @throws {StoreError} `STORE_CORRUPT`, `STORE_NEWER`, `STORE_NOT_OURS`, `STORE_BUSY`, `STORE_FAILED`
 */
export function openSqlite(path: string): Store {
  const check = checkFor(path)
  let db: DatabaseSync | undefined
  try {
    if (isTorn(path)) throw damaged()
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
    db.exec('PRAGMA secure_delete = ON') // a destroyed 1st seed must not linger in a free page
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
    if (check) run(check, db)
    migrate(db)
    db.exec(`PRAGMA mmap_size = ${MAPPED_OCTETS}`)
    db.exec('PRAGMA temp_store = MEMORY') // pages that a statement may have to put back, else in a file for nearly each write
    return new SqliteStore(db)
  } catch (error) {
    if (db?.isOpen) db.close()
    throw named(path, toStoreError(error))
  }
}

/** `integrity_check` also compares tables with their indexes: of flipped bits that change anything it finds all but a few. */
type Check = 'integrity_check' | 'quick_check'

function checkFor(path: string): Check | undefined {
  if (path === ':memory:') return undefined
  if (sizeOf(path) <= CHEAP_CHECK_OCTETS) return 'integrity_check'
  return sizeOf(`${path}-wal`) > 0 ? 'quick_check' : undefined
}

function run(check: Check, db: DatabaseSync): void {
  const found = db.prepare(`PRAGMA ${check}(1)`).get()
  if (found?.[check] !== 'ok') throw damaged()
}

/** SQLite takes a part of a page for a whole one, and a part of the first page for a new database. */
function isTorn(path: string): boolean {
  const octets = sizeOf(path)
  if (octets % PAGE_OCTETS === 0) return false
  return octets < PAGE_OCTETS || sizeOf(`${path}-wal`) === 0 // after a crash the log may hold what the file lacks
}

function damaged(): StoreError {
  return new StoreError('STORE_CORRUPT', 'the database is damaged')
}

/** Who starts a server wants to know which file it is. */
function named(path: string, error: unknown): unknown {
  if (!(error instanceof StoreError) || error.code !== 'STORE_CORRUPT') return error
  return new StoreError('STORE_CORRUPT', `${path} is damaged: restore it from a backup`, { cause: error })
}

/** In octets; 0 for a file that is not there. A write-ahead log of any size means that nobody closed the database. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
