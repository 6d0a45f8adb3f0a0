// The schema, as numbered steps that only go forward. A step that was released is never edited: add another one.
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../contract.ts'

/** "CPNS", in the header of the file: it tells our database from any other. */
const APPLICATION_ID = 0x43504e53

const migrations = [
  /* 1 */ `
  CREATE TABLE claims (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE first_seeds (
    user_id    INTEGER NOT NULL REFERENCES users (id),
    generation INTEGER NOT NULL CHECK (generation >= 1),
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, generation)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE gateways (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    identity      TEXT NOT NULL UNIQUE,
    user_id       INTEGER NOT NULL REFERENCES users (id),
    sealed_secret BLOB NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
  ) STRICT;

  CREATE TABLE pnes (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    second_seed  BLOB NOT NULL UNIQUE CHECK (length(second_seed) = 32),
    pne_id       TEXT NOT NULL UNIQUE,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'active', 'revoked')),
    user_id      INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    gateway_id   INTEGER NOT NULL REFERENCES gateways (id),
    name         TEXT,
    created_at   INTEGER NOT NULL,
    confirmed_at INTEGER,
    revoked_at   INTEGER,
    FOREIGN KEY (user_id, generation) REFERENCES first_seeds (user_id, generation)
  ) STRICT;
  CREATE INDEX pnes_of_user ON pnes (user_id);
  CREATE INDEX pnes_by_name ON pnes (name) WHERE name IS NOT NULL;
  CREATE INDEX pnes_pending ON pnes (created_at) WHERE state = 'pending';
  CREATE INDEX pnes_revoked ON pnes (id) WHERE state = 'revoked';

  CREATE TABLE revocations (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    pne_id TEXT NOT NULL UNIQUE REFERENCES pnes (pne_id),
    tag    BLOB NOT NULL CHECK (length(tag) = 32),
    at     INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    type    TEXT NOT NULL,
    result  TEXT NOT NULL,
    reason  TEXT,
    pne_id  TEXT,
    gateway TEXT,
    user    TEXT,
    "case"  TEXT,
    ms      REAL
  ) STRICT;
  -- Authentications are nearly all events: an index of them would cost more than it saves.
  CREATE INDEX events_rare ON events (type) WHERE type <> 'authentication';
  `,
  /* 2 */ `
  ALTER TABLE gateways ADD COLUMN radius TEXT;
  CREATE UNIQUE INDEX gateways_radius ON gateways (radius) WHERE radius IS NOT NULL AND revoked_at IS NULL;
  CREATE INDEX gateways_radius_changes ON gateways (revoked_at) WHERE radius IS NOT NULL;
  `,
  /* 3 */ `
  ALTER TABLE users ADD COLUMN roaming TEXT NOT NULL DEFAULT 'any' CHECK (roaming IN ('any', 'listed', 'none'));
  ALTER TABLE users ADD COLUMN sessions_max INTEGER CHECK (sessions_max BETWEEN 1 AND 65535);
  ALTER TABLE users ADD COLUMN removed_at INTEGER;
  ALTER TABLE gateways ADD COLUMN visitors INTEGER NOT NULL DEFAULT 1 CHECK (visitors IN (0, 1));
  -- The number of the last registration report that was counted.
  ALTER TABLE gateways ADD COLUMN reports INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE listed_gateways (
    user_id    INTEGER NOT NULL REFERENCES users (id),
    gateway_id INTEGER NOT NULL REFERENCES gateways (id),
    PRIMARY KEY (user_id, gateway_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE registrations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    gateway_id INTEGER NOT NULL REFERENCES gateways (id),
    pne_id     INTEGER NOT NULL REFERENCES pnes (id),
    session_id BLOB NOT NULL CHECK (length(session_id) = 16),
    "case"     TEXT NOT NULL CHECK ("case" IN ('local', 'remote')),
    since      INTEGER NOT NULL,
    UNIQUE (gateway_id, pne_id)
  ) STRICT;
  CREATE INDEX registrations_of_pne ON registrations (pne_id);
  `,
  /* 4: a PNE may have several keys, and the revocation log a line for each */ `
  -- A 2nd seed is random and looked up at each authentication: the table is its own index.
  CREATE TABLE keys (
    second_seed  BLOB PRIMARY KEY CHECK (length(second_seed) = 32),
    pne_id       TEXT NOT NULL REFERENCES pnes (pne_id),
    state        TEXT NOT NULL CHECK (state IN ('pending', 'active', 'retired', 'revoked')),
    user_id      INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    replaces     BLOB CHECK (length(replaces) = 32),
    created_at   INTEGER NOT NULL,
    confirmed_at INTEGER,
    retired_at   INTEGER,
    FOREIGN KEY (user_id, generation) REFERENCES first_seeds (user_id, generation)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO keys (second_seed, pne_id, state, user_id, generation, created_at, confirmed_at)
  SELECT second_seed, pne_id, state, user_id, generation, created_at, confirmed_at FROM pnes ORDER BY second_seed;
  CREATE INDEX keys_of_pne ON keys (pne_id);
  CREATE INDEX keys_of_generation ON keys (user_id, generation, state);
  CREATE INDEX keys_pending ON keys (created_at) WHERE state = 'pending';
  CREATE INDEX keys_retired ON keys (retired_at) WHERE state = 'retired';

  CREATE TABLE pnes_of_4 (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    pne_id       TEXT NOT NULL UNIQUE,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'active', 'revoked')),
    user_id      INTEGER NOT NULL REFERENCES users (id),
    gateway_id   INTEGER NOT NULL REFERENCES gateways (id),
    name         TEXT,
    created_at   INTEGER NOT NULL,
    confirmed_at INTEGER,
    revoked_at   INTEGER
  ) STRICT;
  INSERT INTO pnes_of_4
  SELECT id, pne_id, state, user_id, gateway_id, name, created_at, confirmed_at, revoked_at FROM pnes;
  DROP TABLE pnes;
  ALTER TABLE pnes_of_4 RENAME TO pnes;
  CREATE INDEX pnes_of_user ON pnes (user_id);
  CREATE INDEX pnes_by_name ON pnes (name) WHERE name IS NOT NULL;
  CREATE INDEX pnes_pending ON pnes (created_at) WHERE state = 'pending';
  CREATE INDEX pnes_revoked ON pnes (id) WHERE state = 'revoked';

  CREATE TABLE revocations_of_4 (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    pne_id TEXT NOT NULL REFERENCES pnes (pne_id),
    tag    BLOB NOT NULL CHECK (length(tag) = 32),
    at     INTEGER NOT NULL
  ) STRICT;
  INSERT INTO revocations_of_4 SELECT seq, pne_id, tag, at FROM revocations;
  DROP TABLE revocations;
  ALTER TABLE revocations_of_4 RENAME TO revocations;
  CREATE INDEX revocations_of_pne ON revocations (pne_id);
  `,
]

/**
 * Brings the schema up to date, in one transaction: two processes that open the same new file do it once.
 * @throws {StoreError} `STORE_NEWER`, `STORE_NOT_OURS`; the file is then unchanged
 */
export function migrate(db: DatabaseSync): void {
  checkOurs(db)
  if (versionOf(db) === migrations.length) return
  db.exec('PRAGMA foreign_keys = OFF') // a table that others refer to is replaced: sqlite.org/lang_altertable.html section 7
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const step of migrations.slice(versionOf(db))) db.exec(step)
    if (db.prepare('PRAGMA foreign_key_check').get() !== undefined) {
      throw new StoreError('STORE_CORRUPT', 'the database refers to what is not there: restore it from a backup')
    }
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
  db.exec('PRAGMA foreign_keys = ON')
}

/** @throws {StoreError} `STORE_NEWER`, `STORE_NOT_OURS`; a file without tables may become ours */
export function checkOurs(db: DatabaseSync): void {
  const applicationId = numberOf(db, 'PRAGMA application_id')
  const tables = numberOf(db, 'SELECT count(*) FROM sqlite_schema')
  if (applicationId !== APPLICATION_ID && tables > 0) {
    throw new StoreError('STORE_NOT_OURS', 'the database belongs to another program: give OpenCPNS a folder of its own')
  }
  const version = versionOf(db)
  if (version > migrations.length) {
    throw new StoreError(
      'STORE_NEWER',
      `the database has schema ${version}, this version of OpenCPNS knows ${migrations.length}: install the newer OpenCPNS again`,
    )
  }
}

function versionOf(db: DatabaseSync): number {
  return numberOf(db, 'PRAGMA user_version')
}

function numberOf(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0])
}
