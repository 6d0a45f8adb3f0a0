// Every SQL statement of the SQLite store, by the table it is about. Columns come back under the names of the row types.
import type { DatabaseSync } from 'node:sqlite'
import { event } from './events.ts'
import { operatorSql } from './operator-statements.ts'

const user = `
  SELECT u.id, u.version, u.name, u.roaming, u.sessions_max AS sessionsMax, u.created_at AS createdAt, u.removed_at AS removedAt,
         (SELECT max(generation) FROM first_seeds WHERE user_id = u.id) AS generation
  FROM users u`

const gatewayColumns = `
  g.identity, g.version, g.radius, g.visitors, g.user_id AS userId, u.name AS user, g.created_at AS createdAt,
  g.revoked_at AS revokedAt`
const gatewayTables = 'gateways g JOIN users u ON u.id = g.user_id'
const gateway = `SELECT ${gatewayColumns} FROM ${gatewayTables}`
const gatewaySecret = `SELECT ${gatewayColumns}, g.sealed_secret AS sealedSecret FROM ${gatewayTables}`

const pne = `
  SELECT p.id, p.pne_id AS pneId, k.second_seed AS secondSeed, p.state, p.name, p.user_id AS userId, u.name AS user,
         k.generation, k.created_at AS keyCreatedAt, g.identity AS gateway, p.created_at AS createdAt,
         p.confirmed_at AS confirmedAt, p.revoked_at AS revokedAt
  FROM pnes p JOIN users u ON u.id = p.user_id JOIN gateways g ON g.id = p.gateway_id
  JOIN keys k ON k.second_seed = (
    SELECT second_seed FROM keys WHERE pne_id = p.pne_id
    ORDER BY state = 'active' DESC, generation DESC, created_at DESC LIMIT 1)`

const key = `
  SELECT k.second_seed AS secondSeed, k.pne_id AS pneId, k.state, k.user_id AS userId, u.name AS user, k.generation,
         g.identity AS gateway, k.replaces, k.created_at AS createdAt, k.confirmed_at AS confirmedAt,
         k.retired_at AS retiredAt
  FROM keys k
  JOIN pnes p ON p.pne_id = k.pne_id JOIN users u ON u.id = k.user_id JOIN gateways g ON g.id = p.gateway_id`

/** A key that this gateway assigned, and may still change. */
const ofGateway = `pne_id IN (
  SELECT p.pne_id FROM pnes p JOIN gateways g ON g.id = p.gateway_id
  WHERE p.pne_id = keys.pne_id AND g.identity = :gateway AND g.revoked_at IS NULL)`

const registration = `
  SELECT r.id, r.session_id AS sessionId, p.pne_id AS pneId, p.name, u.name AS user, g.identity AS gateway, r."case", r.since
  FROM registrations r
  JOIN pnes p ON p.id = r.pne_id JOIN users u ON u.id = p.user_id JOIN gateways g ON g.id = r.gateway_id`

const pn = `
  SELECT g.identity AS gateway, u.name AS user, g.visitors,
         (SELECT count(*) FROM registrations WHERE gateway_id = g.id) AS registered
  FROM ${gatewayTables} WHERE g.radius IS NULL AND g.revoked_at IS NULL`

const listedGateway = `
  SELECT ${gatewayColumns}, (SELECT count(*) FROM registrations WHERE gateway_id = g.id) AS registered
  FROM ${gatewayTables}`

const revocation = 'SELECT seq, tag, pne_id AS pneId, at FROM revocations'

const sql = {
  claim: 'INSERT INTO claims (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING',
  findClaim: 'SELECT value FROM claims WHERE name = ?',
  replaceClaim: 'UPDATE claims SET value = :to WHERE name = :name AND value = :from',

  addUser: 'INSERT INTO users (name, created_at) VALUES (?, ?) RETURNING id',
  findUser: `${user} WHERE u.name = ?`,
  findUserId: 'SELECT id FROM users WHERE name = ?',
  listUsers: `${user} WHERE u.name > :after AND u.name >= :beginning AND u.name < :end ORDER BY u.name LIMIT :limit`,
  noteUserChange: 'UPDATE users SET version = version + 1 WHERE id = ?',
  addFirstSeed: `
    INSERT INTO first_seeds (user_id, generation, sealed, created_at)
    SELECT :userId, :generation, :sealed, :createdAt
    WHERE :generation = 1 + coalesce((SELECT max(generation) FROM first_seeds WHERE user_id = :userId), 0)`,
  findFirstSeed: `
    SELECT u.name AS user, s.sealed FROM first_seeds s JOIN users u ON u.id = s.user_id
    WHERE s.user_id = ? AND s.generation = ?`,
  listGenerations: `
    SELECT s.generation, s.created_at AS createdAt, s.sealed = x'' AS retired,
           (SELECT count(*) FROM keys WHERE user_id = s.user_id AND generation = s.generation AND state = 'active') AS keys
    FROM first_seeds s WHERE s.user_id = ? ORDER BY s.generation`,
  keysOfGeneration: `
    SELECT k.second_seed AS secondSeed, k.pne_id AS pneId,
           EXISTS (SELECT 1 FROM keys WHERE pne_id = k.pne_id AND state = 'active' AND generation <> k.generation) AS others
    FROM keys k WHERE k.user_id = ? AND k.generation = ? AND k.state = 'active'`,
  removePendingOfGeneration: "DELETE FROM keys WHERE user_id = ? AND generation = ? AND state = 'pending'",
  destroyFirstSeed: "UPDATE first_seeds SET sealed = x'' WHERE user_id = ? AND generation = ?",
  changeRoaming: 'UPDATE users SET roaming = ? WHERE id = ?',
  changeSessionsMax: 'UPDATE users SET sessions_max = ? WHERE id = ?',
  unlistGateways: 'DELETE FROM listed_gateways WHERE user_id = ?',
  listGateway: 'INSERT OR IGNORE INTO listed_gateways SELECT ?, id FROM gateways WHERE identity = ?',
  listedGateways: `
    SELECT g.identity FROM listed_gateways l JOIN gateways g ON g.id = l.gateway_id
    WHERE l.user_id = ? ORDER BY g.identity`,
  findAdmission: `
    SELECT u.roaming, u.sessions_max, g.visitors, g.revoked_at IS NOT NULL,
           EXISTS (SELECT 1 FROM listed_gateways WHERE user_id = u.id AND gateway_id = g.id)
    FROM users u, gateways g WHERE u.id = ? AND g.identity = ?`,

  removeUser: 'UPDATE users SET removed_at = ?, version = version + 1 WHERE name = ? AND removed_at IS NULL',
  destroyFirstSeeds: "UPDATE first_seeds SET sealed = x'' WHERE user_id = ?",
  pnesOfUser: "SELECT pne_id AS pneId FROM pnes WHERE user_id = ? AND state <> 'revoked'",
  revokeGatewaysOfUser:
    'UPDATE gateways SET revoked_at = ?, version = version + 1 WHERE user_id = ? AND revoked_at IS NULL RETURNING identity',

  addGateway: `
    INSERT INTO gateways (identity, radius, user_id, sealed_secret, created_at)
    SELECT :identity, :radius, id, :sealedSecret, :createdAt FROM users WHERE id = :userId AND removed_at IS NULL`,
  changeVisitors: 'UPDATE gateways SET visitors = ?, version = version + 1 WHERE identity = ?',
  findGateway: `${gateway} WHERE g.identity = ?`,
  findGatewaySecret: `${gatewaySecret} WHERE g.identity = ?`,
  findGatewayId: 'SELECT id FROM gateways WHERE identity = ?',
  revokeGateway: 'UPDATE gateways SET revoked_at = ?, version = version + 1 WHERE identity = ? AND revoked_at IS NULL',
  findRadiusGateway: 'SELECT identity FROM gateways WHERE radius = ? AND revoked_at IS NULL',
  listRadiusGateways: `
    SELECT identity, radius, sealed_secret AS sealedSecret FROM gateways WHERE radius IS NOT NULL AND revoked_at IS NULL`,
  radiusGatewayChanges: 'SELECT count(*) + count(revoked_at) AS changes FROM gateways WHERE radius IS NOT NULL',

  addPne: `
    INSERT INTO pnes (pne_id, state, user_id, gateway_id, name, created_at, confirmed_at)
    SELECT :pneId, :state, user_id, id, :name, :createdAt, :confirmedAt
    FROM gateways WHERE identity = :gateway AND revoked_at IS NULL`,
  findAssigner: `
    SELECT id, user_id AS userId, (SELECT max(generation) FROM first_seeds WHERE user_id = gateways.user_id) AS generation
    FROM gateways WHERE identity = ? AND revoked_at IS NULL`,
  importPne: `
    INSERT INTO pnes (pne_id, state, user_id, gateway_id, name, created_at, confirmed_at)
    VALUES (?, 'active', ?, ?, ?, ?, ?)`,
  importKey: `
    INSERT INTO keys (second_seed, pne_id, state, user_id, generation, created_at, confirmed_at)
    VALUES (?, ?, 'active', ?, ?, ?, ?)`,
  addWord: 'INSERT INTO pne_words (word, pne) VALUES (?, ?)',
  removeWord: 'DELETE FROM pne_words WHERE word = ? AND pne = ?',
  addKey: `
    INSERT INTO keys (second_seed, pne_id, state, user_id, generation, replaces, created_at, confirmed_at)
    SELECT :secondSeed, pne_id, :state, user_id, (SELECT max(generation) FROM first_seeds WHERE user_id = pnes.user_id),
           :replaces, :createdAt, :confirmedAt
    FROM pnes WHERE pne_id = :pneId`,
  confirmKey: `
    UPDATE keys SET state = 'active', confirmed_at = :at
    WHERE second_seed = :secondSeed AND state = 'pending' AND ${ofGateway}`,
  confirmPne: `
    UPDATE pnes SET state = 'active', confirmed_at = :at
    WHERE state = 'pending' AND pne_id = (SELECT pne_id FROM keys WHERE second_seed = :secondSeed AND state = 'active')`,
  retireKey: `
    UPDATE keys SET state = 'retired', retired_at = :at
    WHERE second_seed = :secondSeed AND state = 'active' AND ${ofGateway}
      AND EXISTS (SELECT 1 FROM keys k WHERE k.pne_id = keys.pne_id AND k.state = 'active' AND k.second_seed <> :secondSeed)`,
  revokeKey: "UPDATE keys SET state = 'revoked' WHERE second_seed = ?",
  revokeKeys:
    "UPDATE keys SET state = 'revoked' WHERE pne_id = ? AND state <> 'revoked' RETURNING second_seed AS secondSeed",
  revokePne: "UPDATE pnes SET state = 'revoked', revoked_at = ? WHERE pne_id = ? AND state <> 'revoked'",
  findPneKey: 'SELECT pne_id, state, user_id, generation FROM keys WHERE second_seed = ?',
  findKey: `${key} WHERE k.second_seed = ?`,
  listKeys: `${key} WHERE k.pne_id = ? ORDER BY k.generation DESC, k.created_at DESC, k.second_seed`,
  findPne: `${pne} WHERE p.pne_id = ?`,
  findPneById: `${pne} WHERE p.id = ?`,
  matchPnes: `
    ${pne} WHERE p.id IN (
      SELECT id FROM pnes WHERE name = :reference UNION
      SELECT id FROM pnes WHERE pne_id >= :reference AND pne_id < :reference || '~'
    ) LIMIT :limit`,
  removePendingKeys: "DELETE FROM keys WHERE state = 'pending' AND created_at < ?",
  removePendingPnes: `
    DELETE FROM pnes WHERE state = 'pending' AND NOT EXISTS (SELECT 1 FROM keys WHERE pne_id = pnes.pne_id)
    RETURNING id, name`,
  removeRetiredKeys: "DELETE FROM keys WHERE state = 'retired' AND retired_at < ?",

  findReports: 'SELECT id, reports FROM gateways WHERE identity = ? AND revoked_at IS NULL',
  noteReports: 'UPDATE gateways SET reports = ? WHERE id = ?',
  findRegistrant: `
    SELECT p.id, p.pne_id AS pneId, u.name AS user
    FROM keys k JOIN pnes p ON p.pne_id = k.pne_id JOIN users u ON u.id = p.user_id
    WHERE k.second_seed = :secondSeed AND k.state IN ('active', 'retired') AND p.state = 'active'
      AND (:case = 'remote' OR p.gateway_id = :gatewayId)`,
  register: `
    INSERT INTO registrations (gateway_id, pne_id, session_id, "case", since) VALUES (?, ?, ?, ?, ?)`,
  replaceRegistration: 'DELETE FROM registrations WHERE gateway_id = ? AND pne_id = ?',
  deregister: 'DELETE FROM registrations WHERE gateway_id = ? AND pne_id = ? AND session_id = ?',
  deregisterPne: 'DELETE FROM registrations WHERE pne_id = (SELECT id FROM pnes WHERE pne_id = ?)',
  deregisterAt: 'DELETE FROM registrations WHERE gateway_id = (SELECT id FROM gateways WHERE identity = ?)',
  findPn: `${pn} AND g.identity = ?`,

  appendRevocation: 'INSERT INTO revocations (pne_id, tag, at) VALUES (?, ?, ?)',
  findRevocation: `${revocation} WHERE pne_id = ? ORDER BY seq DESC LIMIT 1`,
  revocationsSince: `${revocation} WHERE seq > ? ORDER BY seq LIMIT ?`,

  newestLines: `
    SELECT (SELECT coalesce(max(seq), 0) FROM revocations) AS revocation,
           (SELECT coalesce(max(seq), 0) FROM changes) AS change`,
  changesSince: 'SELECT seq, kind, subject FROM changes WHERE seq > ? ORDER BY seq LIMIT ?',
  newestRevocation: 'SELECT coalesce(max(seq), 0) AS seq FROM revocations',

  appendEvent: `
    INSERT INTO events (at, type, result, reason, pne_id, gateway, user, "case", ms, session)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  appendEventDetails: 'INSERT INTO event_details (id, steps, facts) VALUES (?, ?, ?)',
  trimEvents: 'DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?',
  trimEventDetails: 'DELETE FROM event_details WHERE id <= (SELECT max(id) FROM events) - ?',
  findEvent: `${event} WHERE e.id = ?`,
  eventRange:
    'SELECT coalesce((SELECT min(id) FROM events), 1) AS oldest, coalesce((SELECT max(id) FROM events), 0) AS newest',

  ...operatorSql,
} as const

export type Statements = ReturnType<typeof prepareAll>

export function prepareAll(db: DatabaseSync) {
  const entries = Object.entries(sql).map(([name, text]) => [name, db.prepare(text)])
  return Object.fromEntries(entries) as { [Name in keyof typeof sql]: ReturnType<DatabaseSync['prepare']> }
}

/** The list of gateways under any filter: the conditions differ, so the statement is made to measure (and then kept by the caller). */
export function listGatewaysSql(filter: {
  user: boolean
  kind?: string | undefined
  state?: string | undefined
}): string {
  const conditions = ['g.identity > :after', 'g.identity >= :beginning', 'g.identity < :end']
  if (filter.user) conditions.push('g.user_id = (SELECT id FROM users WHERE name = :user)')
  if (filter.kind !== undefined) conditions.push(filter.kind === 'radius' ? 'g.radius IS NOT NULL' : 'g.radius IS NULL')
  if (filter.state !== undefined)
    conditions.push(filter.state === 'revoked' ? 'g.revoked_at IS NOT NULL' : 'g.revoked_at IS NULL')
  return `${listedGateway} WHERE ${conditions.join(' AND ')} ORDER BY g.identity LIMIT :limit`
}

/** The list of personal networks under any filter. */
export function listPnsSql(filter: { user: boolean }): string {
  const conditions = ['g.identity > :after', 'g.identity >= :beginning', 'g.identity < :end']
  if (filter.user) conditions.push('g.user_id = (SELECT id FROM users WHERE name = :user)')
  return `${pn} AND ${conditions.join(' AND ')} ORDER BY g.identity LIMIT :limit`
}

/** The list of registrations under any filter. */
export function listRegistrationsSql(filter: { gateway: boolean; pneId: boolean }): string {
  const conditions = ['r.id < :before']
  if (filter.gateway) conditions.push('r.gateway_id = (SELECT id FROM gateways WHERE identity = :gateway)')
  if (filter.pneId) conditions.push('r.pne_id = (SELECT id FROM pnes WHERE pne_id = :pneId)')
  return `${registration} WHERE ${conditions.join(' AND ')} ORDER BY r.id DESC LIMIT :limit`
}
