// A SQLite store as one file: copied by SQLite's online backup (sqlite.org/backup.html) as it is at one moment, while others
// read and write it; and looked at before anybody relies on it. The file says itself whose backup it is and of when.
import { closeSync, existsSync, openSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import Type from 'typebox'
import { Check } from 'typebox/value'
import { MASTER_KEY_CLAIM } from '../datafolder/check-value.ts'
import { StoreError } from '../store/contract.ts'
import { toStoreError } from '../store/sqlite/errors.ts'
import { checkOurs } from '../store/sqlite/migrations.ts'
import { BackupError } from './errors.ts'

/** Pages of a step; between two of them progress is told. */
const STEP_PAGES = 2000
const BUSY_TIMEOUT_MS = 2000
const CLAIM = 'backup'
/** More revocations than a server makes between two backups. */
const REVOCATIONS_LEAP = 2 ** 24

const Facts = Type.Object({
  format: Type.Literal(1),
  /** Of the server: its realm, and when its data folder was made. */
  realm: Type.String(),
  created: Type.String(),
  /** When the backup was taken; ISO 8601, as `created`. */
  takenAt: Type.String(),
})

export type BackupFacts = Omit<Type.Static<typeof Facts>, 'format'>

/** What a backup holds. */
export interface Contents extends BackupFacts {
  readonly users: number
  readonly gateways: number
  readonly pnes: number
  /** Number of the newest line of the revocation log. */
  readonly newestRevocation: number
  /** Tells which master key it needs: {@link Vault.checkValue}. */
  readonly checkValue: Uint8Array
}

export type OnProgress = (done: number, total: number) => void

/**
 * Copies the database at `path` into a new file `copy`, for its owner alone. The copy is one moment's: a read transaction holds that
 * still, and the write-ahead log of the original grows meanwhile.
 * @param onProgress  called with pages copied, of how many
 * @throws {StoreError}
 */
export async function takeSnapshot(
  path: string,
  copy: string,
  facts: BackupFacts,
  onProgress?: OnProgress,
): Promise<void> {
  closeSync(openSync(copy, 'wx', 0o600))
  const db = open(path)
  try {
    db.exec('BEGIN')
    checkOurs(db) // the first read is the moment
    await backup(db, copy, {
      rate: STEP_PAGES,
      progress: ({ totalPages, remainingPages }) => onProgress?.(totalPages - remainingPages, totalPages),
    })
  } catch (error) {
    throw toStoreError(error)
  } finally {
    db.close()
  }
  change(copy, (writable) => {
    const value = Buffer.from(JSON.stringify({ format: 1, ...facts }))
    writable.prepare('INSERT OR REPLACE INTO claims (name, value) VALUES (?, ?)').run(CLAIM, value)
  })
}

/**
 * Makes a backup a store again. Its revocation log goes on far above any number that the lost store gave: so a gateway that had
 * read further than the backup goes misses no line, however long it stays away.
 * @param path a copy of the backup @throws {StoreError}
 */
export function makeStore(path: string): void {
  change(path, (db) => {
    db.prepare('DELETE FROM claims WHERE name = ?').run(CLAIM)
    const { seq } = db.prepare(`SELECT max(seq) AS seq FROM sqlite_sequence WHERE name = 'revocations'`).get() ?? {}
    db.exec(`DELETE FROM sqlite_sequence WHERE name = 'revocations'`)
    const next = Number(seq ?? 0) + REVOCATIONS_LEAP
    db.prepare(`INSERT INTO sqlite_sequence (name, seq) VALUES ('revocations', ?)`).run(next)
  })
}

/**
 * Reads a backup from end to end.
 * @throws {BackupError} BACKUP_DAMAGED, BACKUP_UNREADABLE @throws {StoreError} STORE_NEWER, STORE_NOT_OURS
 */
export function examine(path: string): Contents {
  if (!existsSync(path)) throw new BackupError('BACKUP_UNREADABLE', `there is no file ${path}`)
  let db: DatabaseSync | undefined
  try {
    db = open(path)
    checkOurs(db)
    if (db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined) throw damaged(path)
    checkIntegrity(db, path)
    return contentsOf(db, path)
  } catch (error) {
    throw refusalOf(error, path)
  } finally {
    db?.close()
  }
}

function open(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
}

/** A change of a copy, which is one file afterwards, and on the disk. */
function change(path: string, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path)
  try {
    db.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
    work(db)
    db.exec('PRAGMA journal_mode = DELETE')
  } catch (error) {
    throw toStoreError(error)
  } finally {
    db.close()
  }
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  const [first] = Object.values(db.prepare('PRAGMA integrity_check(1)').get() ?? {})
  if (first !== 'ok') throw damaged(path)
  if (db.prepare('PRAGMA foreign_key_check').get() !== undefined) throw damaged(path)
}

function contentsOf(db: DatabaseSync, path: string): Contents {
  const claim = (name: string) => {
    const value = db.prepare('SELECT value FROM claims WHERE name = ?').get(name)?.['value']
    return value instanceof Uint8Array ? value : undefined
  }
  const facts = parse(claim(CLAIM))
  const checkValue = claim(MASTER_KEY_CLAIM)
  if (facts === undefined || checkValue === undefined) {
    throw new BackupError('BACKUP_DAMAGED', `${path} is no backup: make one with opencpns server backup FILE`)
  }
  const count = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0])
  return {
    ...facts,
    checkValue,
    users: count('SELECT count(*) FROM users WHERE removed_at IS NULL'),
    gateways: count('SELECT count(*) FROM gateways WHERE revoked_at IS NULL'),
    pnes: count(`SELECT count(*) FROM pnes WHERE state = 'active'`),
    newestRevocation: count('SELECT coalesce(max(seq), 0) FROM revocations'),
  }
}

function parse(value: Uint8Array | undefined): BackupFacts | undefined {
  try {
    const facts: unknown = JSON.parse(Buffer.from(value ?? []).toString('utf8'))
    if (!Check(Facts, facts)) return undefined
    const { realm, created, takenAt } = facts
    return { realm, created, takenAt }
  } catch {
    return undefined
  }
}

function refusalOf(error: unknown, path: string): unknown {
  const refusal = toStoreError(error)
  if (!(refusal instanceof StoreError)) return refusal
  if (refusal.code === 'STORE_CORRUPT') return damaged(path, error)
  if (refusal.code !== 'STORE_FAILED') return refusal
  const what = `${path} cannot be read as a backup: check its permissions, or take another one`
  return new BackupError('BACKUP_UNREADABLE', what, { cause: error })
}

function damaged(path: string, cause?: unknown): BackupError {
  return new BackupError('BACKUP_DAMAGED', `${path} is damaged: take another backup`, { cause })
}
