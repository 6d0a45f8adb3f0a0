// The gateway's SQLite file: its schema, and SQLite's result codes (sqlite.org/rescode.html) as errors that say what to do.

import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '../errors.ts'

/** How long a write waits for that of another process, `gateway pair`. It holds up this process too, so it is short. */
const BUSY_TIMEOUT_MS = 2000

/** SQLite's own, which we never change: the file is so many of them. */
const PAGE_OCTETS = 4096

/** "CPNG", in the header of the file: it tells our database from any other. */
const APPLICATION_ID = 0x43504e47

/** The schema, as numbered steps that only go forward. A step that was released is never edited: add another one. */
const migrations = [
  /* 1 */ `
  CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE eu_keys (
    second_seed    BLOB PRIMARY KEY CHECK (length(second_seed) = 32),
    revocation_tag BLOB NOT NULL UNIQUE CHECK (length(revocation_tag) = 32),
    pne_id         TEXT NOT NULL,
    sealed         BLOB NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('pending', 'active')),
    created_at     INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tickets (
    ticket_id     BLOB PRIMARY KEY CHECK (length(ticket_id) = 16),
    sealed_secret BLOB NOT NULL,
    name          TEXT,
    expires_at    INTEGER NOT NULL,
    device_nonce  BLOB CHECK (length(device_nonce) = 32),
    second_seed   BLOB UNIQUE CHECK (length(second_seed) = 32),
    used_at       INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
  /* 2: whose PNE it is, and of which generation its key */ `
  ALTER TABLE eu_keys ADD COLUMN user TEXT;
  ALTER TABLE eu_keys ADD COLUMN generation INTEGER;
  `,
  /* 3: what the server has not heard yet of presence, and the sessions that it thinks are open */ `
  CREATE TABLE outbox (
    number INTEGER PRIMARY KEY,
    report BLOB NOT NULL
  ) STRICT;

  CREATE TABLE presences (
    session_id  BLOB PRIMARY KEY CHECK (length(session_id) = 16),
    second_seed BLOB NOT NULL CHECK (length(second_seed) = 32),
    "case"      INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  /* 4: the 2nd seed of the key that is to replace this one; and retired keys that the server has not heard of yet */ `
  CREATE TABLE eu_keys_of_4 (
    second_seed    BLOB PRIMARY KEY CHECK (length(second_seed) = 32),
    revocation_tag BLOB NOT NULL UNIQUE CHECK (length(revocation_tag) = 32),
    pne_id         TEXT NOT NULL,
    user           TEXT,
    generation     INTEGER,
    sealed         BLOB,
    state          TEXT NOT NULL CHECK (state IN ('pending', 'active', 'retired')),
    created_at     INTEGER NOT NULL,
    successor      BLOB UNIQUE CHECK (length(successor) = 32),
    CHECK (state = 'retired' OR sealed IS NOT NULL)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO eu_keys_of_4 (second_seed, revocation_tag, pne_id, user, generation, sealed, state, created_at)
  SELECT second_seed, revocation_tag, pne_id, user, generation, sealed, state, created_at FROM eu_keys;
  DROP TABLE eu_keys;
  ALTER TABLE eu_keys_of_4 RENAME TO eu_keys;
  CREATE INDEX eu_keys_retired ON eu_keys (state) WHERE state = 'retired';
  `,
  /* 5: keys that the operator wants to be renewed */ `
  ALTER TABLE eu_keys ADD COLUMN rotation_asked INTEGER NOT NULL DEFAULT 0 CHECK (rotation_asked IN (0, 1));
  `,
]

/**
 * Opens the database, creates its tables if there are none, and checks it. A finished transaction is on the disk.
 * @throws {GatewayError} DATABASE_CORRUPT, DATABASE_BUSY, DATABASE_FULL, DATABASE_FAILED
 */
export function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    if (isTorn(path)) throw corrupt()
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
    if (pragma(db, 'integrity_check(1)', 'integrity_check') !== 'ok') throw corrupt()
    inTransaction(db, () => migrate(db as DatabaseSync))
    return db
  } catch (error) {
    if (db?.isOpen) db.close()
    throw toGatewayError(error)
  }
}

/** SQLite takes a part of a page for a whole one, and a part of the first page for a new database. */
function isTorn(path: string): boolean {
  const octets = sizeOf(path)
  if (octets % PAGE_OCTETS === 0) return false
  return octets < PAGE_OCTETS || sizeOf(`${path}-wal`) === 0 // after a crash the log may hold what the file lacks
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function migrate(db: DatabaseSync): void {
  const application = pragma(db, 'application_id', 'application_id')
  const version = Number(pragma(db, 'user_version', 'user_version'))
  const isNew = application === 0 && version === 0
  if (!isNew && (application !== APPLICATION_ID || version < 1 || version > migrations.length)) {
    throw new GatewayError(
      'DATABASE_FAILED',
      'gateway.db is not a database of this release: use the release that made it',
    )
  }
  for (const step of migrations.slice(version)) db.exec(step)
  if (version === migrations.length) return
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`)
}

function pragma(db: DatabaseSync, statement: string, column: string): unknown {
  return db.prepare(`PRAGMA ${statement}`).get()?.[column]
}

/**
 * Runs `work` in one transaction, which is on the disk when this returns.
 * @throws {GatewayError} DATABASE_BUSY, DATABASE_FULL, DATABASE_CORRUPT, DATABASE_FAILED: then nothing of it is
 */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  try {
    db.exec('BEGIN IMMEDIATE')
    const value = work()
    db.exec('COMMIT')
    return value
  } catch (error) {
    if (db.isOpen && db.isTransaction) db.exec('ROLLBACK')
    throw toGatewayError(error)
  }
}

const primaryCode = { busy: 5, locked: 6, corrupt: 11, full: 13, notADatabase: 26 }

/** Turns what node:sqlite threw into a {@link GatewayError}; anything else comes back as it is. */
export function toGatewayError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  const cause = { cause: error }
  switch (error.errcode & 0xff) {
    case primaryCode.busy:
    case primaryCode.locked:
      return new GatewayError('DATABASE_BUSY', 'another process holds gateway.db: try again', cause)
    case primaryCode.full:
      return new GatewayError('DATABASE_FULL', 'the disk is full: make room, then try again', cause)
    case primaryCode.corrupt:
    case primaryCode.notADatabase:
      return corrupt(cause)
    default:
      return new GatewayError('DATABASE_FAILED', `gateway.db refused: ${error.message}`, cause)
  }
}

export function corrupt(options?: ErrorOptions): GatewayError {
  return new GatewayError(
    'DATABASE_CORRUPT',
    'gateway.db is damaged: restore it and storage.key from a backup',
    options,
  )
}
