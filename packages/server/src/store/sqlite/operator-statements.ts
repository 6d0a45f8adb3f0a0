// The SQL statements of the operator's part of the store.

const token = `
  SELECT number, id, name, role, created_at AS createdAt, created_by AS createdBy, expires_at AS expiresAt,
         revoked_at AS revokedAt, used_at AS usedAt
  FROM tokens`

const audit = 'SELECT id, at, actor, role, action, target, facts, "from", outcome FROM audit'

const alive = 'FROM links l JOIN replicas r ON r.name = l.replica WHERE r.at >= :aliveAfter'
const link = `SELECT l.gateway, l.replica, l.since ${alive}`
const inOrder = 'ORDER BY l.gateway, l.replica LIMIT 10000'

export const operatorSql = {
  addToken: `
    INSERT INTO tokens (id, name, role, hash, created_at, created_by, expires_at)
    VALUES (:id, :name, :role, :hash, :createdAt, :createdBy, :expiresAt)`,
  findToken: `${token} WHERE hash = ?`,
  findTokenById: `${token} WHERE id = ?`,
  findTokenByName: `${token} WHERE name = ? AND revoked_at IS NULL`,
  listTokens: `${token} WHERE number < ? ORDER BY number DESC LIMIT ?`,
  revokeToken: 'UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL',
  noteTokenUse: 'UPDATE tokens SET used_at = ? WHERE id = ?',

  beginAudit: `
    INSERT INTO audit (at, actor, role, action, target, facts, "from")
    VALUES (:at, :actor, :role, :action, :target, :facts, :from)`,
  endAudit: 'UPDATE audit SET outcome = ?, facts = coalesce(?, facts) WHERE id = ?',
  findAudit: `${audit} WHERE id = ?`,
  listAudit: `
    ${audit}
    WHERE id < :before AND (:actor IS NULL OR actor = :actor) AND (:action IS NULL OR action = :action)
      AND (:target IS NULL OR target = :target)
    ORDER BY id DESC LIMIT :limit`,

  forgetAnswers: 'DELETE FROM answers WHERE at < ?',
  findAnswer: 'SELECT fingerprint, sealed AS sealedAnswer, at FROM answers WHERE scope = ? AND key = ?',
  takeAnswer: 'INSERT OR REPLACE INTO answers (scope, key, fingerprint, at) VALUES (:scope, :key, :fingerprint, :at)',
  keepAnswer: 'UPDATE answers SET sealed = ? WHERE scope = ? AND key = ?',
  dropAnswer: 'DELETE FROM answers WHERE scope = ? AND key = ? AND sealed IS NULL',

  findReplica: 'SELECT 1 FROM replicas WHERE name = ?',
  noteReplica: 'INSERT INTO replicas (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at',
  oldReplicas: 'SELECT name FROM replicas WHERE at < ?',
  dropReplica: 'DELETE FROM replicas WHERE name = ?',
  dropLinks: 'DELETE FROM links WHERE replica = ?',
  link: 'INSERT OR REPLACE INTO links (gateway, replica, since) VALUES (?, ?, ?)',
  unlink: 'DELETE FROM links WHERE gateway = ? AND replica = ?',
  listLinks: `${link} ${inOrder}`,
  linksOf: `${link} AND l.gateway IN (SELECT value FROM json_each(:gateways)) ${inOrder}`,
  countLinks: `SELECT count(DISTINCT l.gateway) AS count ${alive}`,
  countOtherReplicas: 'SELECT count(*) AS count FROM replicas WHERE name <> :replica AND at >= :aliveAfter',

  counts: `
    SELECT (SELECT count(*) FROM users) - (SELECT count(*) FROM users WHERE removed_at IS NOT NULL) AS users,
           (SELECT count(*) FROM gateways) AS gateways,
           (SELECT count(*) FROM gateways WHERE revoked_at IS NOT NULL) AS gatewaysRevoked,
           (SELECT count(*) FROM gateways WHERE radius IS NOT NULL AND revoked_at IS NULL) AS radius,
           (SELECT count FROM tallies WHERE name = 'pending') AS pending,
           (SELECT count FROM tallies WHERE name = 'active') AS active,
           (SELECT count FROM tallies WHERE name = 'revoked') AS revoked,
           (SELECT count FROM tallies WHERE name = 'registered') AS registered`,
  countPnes: `
    SELECT pending, revoked, pnes - pending - revoked AS active FROM (
      SELECT (SELECT count(*) FROM pnes WHERE user_id = :userId) AS pnes,
             (SELECT count(*) FROM pnes WHERE user_id = :userId AND state = 'pending') AS pending,
             (SELECT count(*) FROM pnes WHERE user_id = :userId AND state = 'revoked') AS revoked)`,

  sealedSeeds: `
    SELECT u.name || '/' || s.generation AS place, s.sealed
    FROM users u JOIN first_seeds s ON s.user_id = u.id
    WHERE (u.name, s.generation) > (:name, :generation) AND s.sealed <> x''
    ORDER BY u.name, s.generation LIMIT :limit`,
  sealedSecrets: `
    SELECT identity AS place, sealed_secret AS sealed FROM gateways
    WHERE identity > :after AND (radius IS NOT NULL) = :isRadius ORDER BY identity LIMIT :limit`,
  resealSeed: `
    UPDATE first_seeds SET sealed = :to
    WHERE user_id = (SELECT id FROM users WHERE name = :name) AND generation = :generation AND sealed = :from`,
  resealSecret: 'UPDATE gateways SET sealed_secret = :to WHERE identity = :identity AND sealed_secret = :from',
} as const
