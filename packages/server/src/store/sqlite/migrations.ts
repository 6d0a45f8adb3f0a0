// The schema, as numbered steps that only go forward. A step that was released is never edited: add another one.
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../contract.ts'
import { CHANGES_KEPT } from '../contract-changes.ts'
import { wordsOf } from '../words.ts'

/** "CPNS", in the header of the file: it tells our database from any other. */
const APPLICATION_ID = 0x43504e53

/** A step is SQL, or what SQL alone cannot do. */
const migrations: (string | ((db: DatabaseSync) => void))[] = [
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
  /* 5 */ addOperatorsView,
  /* 6: what other servers must learn of */ `
  CREATE TABLE changes (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL CHECK (kind IN ('user', 'gateway', 'key', 'token')),
    subject TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER changes_kept AFTER INSERT ON changes BEGIN
    DELETE FROM changes WHERE seq <= NEW.seq - ${CHANGES_KEPT};
  END;
  CREATE TRIGGER user_changed AFTER UPDATE OF version ON users BEGIN
    INSERT INTO changes (kind, subject) VALUES ('user', NEW.name);
  END;
  CREATE TRIGGER seed_destroyed AFTER UPDATE OF sealed ON first_seeds WHEN NEW.sealed = x'' AND OLD.sealed <> x'' BEGIN
    INSERT INTO changes (kind, subject) SELECT 'user', name FROM users WHERE id = NEW.user_id;
  END;
  CREATE TRIGGER gateway_changed AFTER UPDATE OF version ON gateways BEGIN
    INSERT INTO changes (kind, subject) VALUES ('gateway', NEW.identity);
  END;
  CREATE TRIGGER key_retired AFTER UPDATE OF state ON keys WHEN NEW.state = 'retired' AND OLD.state <> 'retired' BEGIN
    INSERT INTO changes (kind, subject) VALUES ('key', lower(hex(NEW.second_seed)));
  END;
  CREATE TRIGGER token_ended AFTER UPDATE OF revoked_at ON tokens WHEN OLD.revoked_at IS NULL BEGIN
    INSERT INTO changes (kind, subject) VALUES ('token', NEW.id);
  END;
  `,
]

/** What the operator's view stands on; and the words of display names that are there already. */
function addOperatorsView(db: DatabaseSync): void {
  db.exec(`
  ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE gateways ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  CREATE INDEX gateways_of_user ON gateways (user_id, identity);
  CREATE INDEX gateways_revoked ON gateways (identity) WHERE revoked_at IS NOT NULL;
  CREATE INDEX gateways_of_radius ON gateways (identity) WHERE radius IS NOT NULL;
  CREATE INDEX users_removed ON users (name) WHERE removed_at IS NOT NULL;

  CREATE INDEX pnes_of_gateway ON pnes (gateway_id);
  CREATE INDEX pnes_pending_by_id ON pnes (id) WHERE state = 'pending';
  CREATE INDEX pnes_pending_of_user ON pnes (user_id) WHERE state = 'pending';
  CREATE INDEX pnes_revoked_of_user ON pnes (user_id) WHERE state = 'revoked';
  -- The words of display names: a beginning of a word is a range of it. Whoever removes a PNE removes its words.
  CREATE TABLE pne_words (
    word TEXT NOT NULL,
    pne  INTEGER NOT NULL,
    PRIMARY KEY (word, pne)
  ) STRICT, WITHOUT ROWID;

  -- How many there are, kept as they come and go: counting a million takes longer than an authentication may wait.
  CREATE TABLE tallies (
    name  TEXT PRIMARY KEY,
    count INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO tallies
  SELECT 'pending', count(*) FROM pnes WHERE state = 'pending' UNION ALL
  SELECT 'active', count(*) FROM pnes WHERE state = 'active' UNION ALL
  SELECT 'revoked', count(*) FROM pnes WHERE state = 'revoked' UNION ALL
  SELECT 'registered', count(*) FROM registrations;
  CREATE TRIGGER pne_added AFTER INSERT ON pnes BEGIN
    UPDATE tallies SET count = count + 1 WHERE name = NEW.state;
  END;
  CREATE TRIGGER pne_changed AFTER UPDATE OF state ON pnes WHEN NEW.state <> OLD.state BEGIN
    UPDATE tallies SET count = count + 1 WHERE name = NEW.state;
    UPDATE tallies SET count = count - 1 WHERE name = OLD.state;
  END;
  CREATE TRIGGER pne_removed AFTER DELETE ON pnes BEGIN
    UPDATE tallies SET count = count - 1 WHERE name = OLD.state;
  END;
  CREATE TRIGGER registration_added AFTER INSERT ON registrations BEGIN
    UPDATE tallies SET count = count + 1 WHERE name = 'registered';
  END;
  CREATE TRIGGER registration_removed AFTER DELETE ON registrations BEGIN
    UPDATE tallies SET count = count - 1 WHERE name = 'registered';
  END;

  ALTER TABLE events ADD COLUMN session TEXT;
  -- Apart, so that the log itself stays quick to read through.
  CREATE TABLE event_details (
    id    INTEGER PRIMARY KEY,
    steps TEXT,
    facts TEXT
  ) STRICT;

  CREATE TABLE tokens (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    used_at    INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;

  CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    role    TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT,
    facts   TEXT,
    "from"  TEXT NOT NULL,
    outcome TEXT
  ) STRICT;
  CREATE INDEX audit_of_actor ON audit (actor);
  CREATE INDEX audit_of_action ON audit (action);
  CREATE INDEX audit_of_target ON audit (target) WHERE target IS NOT NULL;

  -- The first answers to requests with an idempotency key, sealed; null while the request is under way.
  CREATE TABLE answers (
    scope       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    sealed      BLOB,
    at          INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX answers_by_age ON answers (at);

  CREATE TABLE replicas (
    name TEXT PRIMARY KEY,
    at   INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE links (
    gateway TEXT NOT NULL,
    replica TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (gateway, replica)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX links_of_replica ON links (replica);
  `)
  const add = db.prepare('INSERT INTO pne_words (word, pne) VALUES (?, ?)')
  for (const { id, name } of db.prepare('SELECT id, name FROM pnes WHERE name IS NOT NULL').iterate()) {
    for (const word of wordsOf(String(name))) add.run(word, id as number)
  }
}

/** The number of the schema that this version brings a database to. */
export const NEWEST_SCHEMA = migrations.length

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
    for (const step of migrations.slice(versionOf(db))) {
      if (typeof step === 'string') db.exec(step)
      else step(db)
    }
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
