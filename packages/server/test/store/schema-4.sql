-- A database as the fourth schema wrote it: a user with two generations, two gateways (one of them a revoked RADIUS client), PNEs
-- with names and keys of each state, a revocation, an event.
CREATE TABLE claims (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  roaming TEXT NOT NULL DEFAULT 'any' CHECK (roaming IN ('any', 'listed', 'none')),
  sessions_max INTEGER CHECK (sessions_max BETWEEN 1 AND 65535),
  removed_at INTEGER
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
  revoked_at    INTEGER,
  radius TEXT,
  visitors INTEGER NOT NULL DEFAULT 1 CHECK (visitors IN (0, 1)),
  reports INTEGER NOT NULL DEFAULT 0
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
CREATE INDEX events_rare ON events (type) WHERE type <> 'authentication';
CREATE UNIQUE INDEX gateways_radius ON gateways (radius) WHERE radius IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX gateways_radius_changes ON gateways (revoked_at) WHERE radius IS NOT NULL;

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
CREATE INDEX keys_of_pne ON keys (pne_id);
CREATE INDEX keys_of_generation ON keys (user_id, generation, state);
CREATE INDEX keys_pending ON keys (created_at) WHERE state = 'pending';
CREATE INDEX keys_retired ON keys (retired_at) WHERE state = 'retired';

CREATE TABLE "pnes" (
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
CREATE INDEX pnes_of_user ON pnes (user_id);
CREATE INDEX pnes_by_name ON pnes (name) WHERE name IS NOT NULL;
CREATE INDEX pnes_pending ON pnes (created_at) WHERE state = 'pending';
CREATE INDEX pnes_revoked ON pnes (id) WHERE state = 'revoked';

CREATE TABLE "revocations" (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  pne_id TEXT NOT NULL REFERENCES pnes (pne_id),
  tag    BLOB NOT NULL CHECK (length(tag) = 32),
  at     INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_of_pne ON revocations (pne_id);

INSERT INTO claims VALUES ('master-key-check', x'0102');
INSERT INTO users (id, name, created_at, roaming, sessions_max) VALUES (1, 'alice', 1, 'listed', 3);
INSERT INTO first_seeds VALUES (1, 1, x'07', 1), (1, 2, x'06', 2);
INSERT INTO gateways (id, identity, user_id, sealed_secret, created_at, revoked_at, radius, visitors, reports) VALUES
  (1, 'home@example.org', 1, x'08', 2, NULL, NULL, 0, 7),
  (2, 'ap@example.org', 1, x'09', 3, 4, '192.0.2.1/32', 1, 0);
INSERT INTO listed_gateways VALUES (1, 1);
INSERT INTO pnes (id, pne_id, state, user_id, gateway_id, name, created_at, confirmed_at, revoked_at) VALUES
  (1, 'pne-a', 'active', 1, 1, 'Kitchen lamp', 5, 6, NULL),
  (2, 'pne-b', 'pending', 1, 1, NULL, 5, NULL, NULL),
  (3, 'pne-c', 'revoked', 1, 1, 'Küche', 5, 6, 7);
INSERT INTO keys (second_seed, pne_id, state, user_id, generation, replaces, created_at, confirmed_at, retired_at) VALUES
  (zeroblob(32), 'pne-a', 'retired', 1, 1, NULL, 5, 6, 9),
  (CAST(x'01' || zeroblob(31) AS BLOB), 'pne-a', 'active', 1, 2, zeroblob(32), 7, 8, NULL),
  (CAST(x'02' || zeroblob(31) AS BLOB), 'pne-b', 'pending', 1, 1, NULL, 5, NULL, NULL),
  (CAST(x'03' || zeroblob(31) AS BLOB), 'pne-c', 'revoked', 1, 1, NULL, 5, 6, NULL);
INSERT INTO revocations (seq, pne_id, tag, at) VALUES (4, 'pne-c', zeroblob(32), 7);
INSERT INTO registrations (gateway_id, pne_id, session_id, "case", since) VALUES (1, 1, zeroblob(16), 'local', 9);
INSERT INTO events (id, at, type, result) VALUES (12, 8, 'link', 'connected');

PRAGMA application_id = 0x43504e53;
PRAGMA user_version = 4;
