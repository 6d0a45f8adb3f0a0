-- A database as the first schema wrote it: a user, two gateways (one revoked), a PNE of each state, a revocation, an event.
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

INSERT INTO claims VALUES ('master-key-check', x'0102');
INSERT INTO users (id, name, created_at) VALUES (1, 'alice', 1);
INSERT INTO first_seeds VALUES (1, 1, x'07', 1);
INSERT INTO gateways (id, identity, user_id, sealed_secret, created_at, revoked_at) VALUES
  (1, 'home@example.org', 1, x'08', 2, NULL),
  (2, 'lobby@example.org', 1, x'09', 3, 4);
INSERT INTO pnes (second_seed, pne_id, state, user_id, generation, gateway_id, name, created_at, confirmed_at, revoked_at) VALUES
  (zeroblob(32), 'pne-a', 'active', 1, 1, 1, 'watch', 5, 6, NULL),
  (CAST(x'01' || zeroblob(31) AS BLOB), 'pne-b', 'pending', 1, 1, 1, NULL, 5, NULL, NULL),
  (CAST(x'02' || zeroblob(31) AS BLOB), 'pne-c', 'revoked', 1, 1, 2, NULL, 5, 6, 7);
INSERT INTO revocations (pne_id, tag, at) VALUES ('pne-c', zeroblob(32), 7);
INSERT INTO events (at, type, result) VALUES (8, 'link', 'connected');

PRAGMA application_id = 0x43504e53;
PRAGMA user_version = 1;
