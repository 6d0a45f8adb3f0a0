// The operator's part of the store: tokens, the audit log, answers that are remembered, links of all replicas, sealed values.
import type { Page, PageRequest } from '../contract.ts'
import type {
  AuditFilter,
  AuditRow,
  LinkRow,
  NewToken,
  OperatorStore,
  RememberedAnswer,
  SealedRow,
  TokenRow,
} from '../contract-operator.ts'
import { page, readCursor } from '../paging.ts'
import type { Change } from './change.ts'
import type { Queries } from './database.ts'
import { inEachOthersWay } from './errors.ts'
import { Conditions, statements } from './statements.ts'

const token = `
  SELECT number, id, name, role, created_at AS "createdAt", created_by AS "createdBy", expires_at AS "expiresAt",
         revoked_at AS "revokedAt", used_at AS "usedAt"
  FROM tokens`
const audit = 'SELECT id, at, actor, role, action, target, facts, "from", outcome FROM audit'
const alive = 'links l JOIN replicas r ON r.name = l.replica WHERE r.at >= $1'
const links = `SELECT l.gateway, l.replica, l.since FROM ${alive}`
const inOrder = 'ORDER BY l.gateway, l.replica LIMIT 10000'

const sql = statements('operator', {
  addToken: `
    INSERT INTO tokens (id, name, role, hash, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
  tokenByHash: `${token} WHERE hash = $1`,
  tokenById: `${token} WHERE id = $1`,
  listTokens: `${token} WHERE number < $1 ORDER BY number DESC LIMIT $2`,
  revokeToken: `
    UPDATE tokens SET revoked_at = $2
    WHERE revoked_at IS NULL AND number = (
      SELECT number FROM tokens WHERE id = $1 OR (name = $1 AND revoked_at IS NULL) ORDER BY (id = $1) DESC LIMIT 1)
    RETURNING id`,
  noteTokenUse: 'UPDATE tokens SET used_at = $2 WHERE id = $1',

  beginAudit: `
    INSERT INTO audit (at, actor, role, action, target, facts, "from") VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
  endAudit: `
    UPDATE audit SET outcome = $2, facts = coalesce($3, facts) WHERE id = $1
    RETURNING id, at, actor, role, action, target, facts, "from", outcome`,

  forgetAnswers: 'DELETE FROM answers WHERE at < $1',
  takeAnswer: `
    INSERT INTO answers (scope, key, fingerprint, at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (scope, key) DO UPDATE SET at = excluded.at
    WHERE answers.sealed IS NULL AND answers.at < $5 AND answers.fingerprint = excluded.fingerprint`,
  findAnswer: 'SELECT fingerprint, sealed AS "sealedAnswer", at FROM answers WHERE scope = $1 AND key = $2',
  keepAnswer: 'UPDATE answers SET sealed = $3 WHERE scope = $1 AND key = $2',
  dropAnswer: 'DELETE FROM answers WHERE scope = $1 AND key = $2 AND sealed IS NULL',

  noteBeat: 'UPDATE replicas SET at = $2 WHERE name = $1',
  addReplica: 'INSERT INTO replicas (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at',
  dropReplica: 'DELETE FROM replicas WHERE name = $1',
  forgetReplicas: 'DELETE FROM replicas WHERE at < $1',
  addLinks: `
    INSERT INTO links (gateway, replica, since) SELECT l.gateway, $1, l.since
    FROM unnest($2::text[], $3::bigint[]) AS l (gateway, since)
    ON CONFLICT (gateway, replica) DO UPDATE SET since = excluded.since`,
  removeLinks: 'DELETE FROM links WHERE replica = $1 AND gateway = ANY($2::text[])',
  listLinks: `${links} ${inOrder}`,
  linksOf: `${links} AND l.gateway = ANY($2::text[]) ${inOrder}`,
  countLinks: `SELECT count(DISTINCT l.gateway) AS n FROM ${alive}`,
  countOtherReplicas: 'SELECT count(*) AS n FROM replicas WHERE name <> $1 AND at >= $2',

  sealedSeeds: `
    SELECT u.name || '/' || s.generation AS place, s.sealed FROM users u JOIN first_seeds s ON s.user_id = u.id
    WHERE (u.name, s.generation) > ($1, $2) AND octet_length(s.sealed) > 0 ORDER BY u.name, s.generation LIMIT $3`,
  sealedSecrets: `
    SELECT identity AS place, sealed_secret AS sealed FROM gateways
    WHERE identity > $1 AND (radius IS NOT NULL) = $2 ORDER BY identity LIMIT $3`,
  resealSeeds: `
    UPDATE first_seeds s SET sealed = n.after
    FROM unnest($1::text[], $2::integer[], $3::bytea[], $4::bytea[]) AS n (name, generation, before, after)
    JOIN users u ON u.name = n.name
    WHERE s.user_id = u.id AND s.generation = n.generation AND s.sealed = n.before`,
  resealSecrets: `
    UPDATE gateways g SET sealed_secret = n.after FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS n (identity, before, after)
    WHERE g.identity = n.identity AND g.sealed_secret = n.before`,
})

/** What {@link OperatorStore.addToken} does. */
export async function addToken(transaction: Queries, added: NewToken): Promise<TokenRow> {
  const { id, name, role, hash, createdAt, createdBy, expiresAt } = added
  await transaction.run(sql.addToken, [id, name, role, hash, createdAt, createdBy, expiresAt])
  return (await findTokenById(transaction, id)) as TokenRow
}

export function findToken(reads: Queries, hash: Uint8Array): Promise<TokenRow | undefined> {
  return oneToken(reads.first(sql.tokenByHash, [hash]))
}

export function findTokenById(reads: Queries, id: string): Promise<TokenRow | undefined> {
  return oneToken(reads.first(sql.tokenById, [id]))
}

type NumberedToken = TokenRow & { number: number }

/** Without the number by which tokens are ordered. */
async function oneToken(finding: Promise<NumberedToken | undefined>): Promise<TokenRow | undefined> {
  const found = await finding
  return found && withoutNumber(found)
}

function withoutNumber({ number, ...row }: NumberedToken): TokenRow {
  return row
}

/** What {@link OperatorStore.listTokens} gives. */
export async function listTokens(reads: Queries, { limit, cursor }: PageRequest): Promise<Page<TokenRow>> {
  const found = await reads.all<NumberedToken>(sql.listTokens, [readCursor(cursor), limit + 1])
  const { items, next } = page(found, limit, ({ number }) => `${number}`)
  return { items: items.map(withoutNumber), next }
}

/** What {@link OperatorStore.revokeToken} does. */
export async function revokeToken(change: Change, reference: string, at: number): Promise<TokenRow | undefined> {
  const revoked = await change.first<{ id: string }>(sql.revokeToken, [reference, at])
  if (revoked) change.note('token', revoked.id)
  return findTokenById(change, revoked?.id ?? reference)
}

export async function noteTokenUse(changes: Queries, id: string, at: number): Promise<void> {
  await changes.run(sql.noteTokenUse, [id, at])
}

/** What {@link OperatorStore.beginAudit} does. */
export async function beginAudit(changes: Queries, row: Omit<AuditRow, 'id' | 'outcome'>): Promise<number> {
  const { at, actor, role, action, target, facts, from } = row
  const begun = await changes.first<{ id: number }>(sql.beginAudit, [at, actor, role, action, target, facts, from])
  return begun?.id ?? 0
}

export function endAudit(changes: Queries, id: number, outcome: string, facts?: string): Promise<AuditRow | undefined> {
  return changes.first(sql.endAudit, [id, outcome, facts ?? null])
}

/** What {@link OperatorStore.listAudit} gives. */
export function listAudit(reads: Queries, { limit, before, actor, action, target }: AuditFilter): Promise<AuditRow[]> {
  const conditions = new Conditions()
    .addGiven('before', 'id < ?', before)
    .addGiven('actor', 'actor = ?', actor)
    .addGiven('action', 'action = ?', action)
    .addGiven('target', 'target = ?', target)
  return reads.all(
    ...conditions.statement('audit.list', (where, last) => `${audit} ${where} ORDER BY id DESC LIMIT ${last}`, limit),
  )
}

/** What {@link OperatorStore.claimAnswer} does. */
export async function claimAnswer(
  transaction: Queries,
  of: Parameters<OperatorStore['claimAnswer']>[0],
): Promise<RememberedAnswer | undefined> {
  const { scope, key, fingerprint, at, forgetBefore, abandonedBefore } = of
  const [, taken, found] = await Promise.all([
    transaction.run(sql.forgetAnswers, [forgetBefore]),
    transaction.run(sql.takeAnswer, [scope, key, fingerprint, at, abandonedBefore]),
    transaction.first<RememberedAnswer>(sql.findAnswer, [scope, key]),
  ])
  if (taken === 1) return undefined
  if (found === undefined) throw inEachOthersWay() // it was dropped between the two statements
  return found
}

export async function keepAnswer(changes: Queries, scope: string, key: string, sealed: Uint8Array): Promise<void> {
  await changes.run(sql.keepAnswer, [scope, key, sealed])
}

export async function hasAnswer(reads: Queries, scope: string, key: string): Promise<boolean> {
  return (await reads.first<RememberedAnswer>(sql.findAnswer, [scope, key])) !== undefined
}

export async function dropAnswer(changes: Queries, scope: string, key: string): Promise<void> {
  await changes.run(sql.dropAnswer, [scope, key])
}

/** What {@link OperatorStore.beat} does. */
export async function beat(transaction: Queries, of: Parameters<OperatorStore['beat']>[0]): Promise<boolean> {
  const { replica, at, changes, forgetBefore } = of
  const known = (await transaction.run(sql.noteBeat, [replica, at])) === 1
  if (!known) await transaction.run(sql.addReplica, [replica, at])
  const last = [...new Map(changes.map((change) => [change.gateway, change])).values()]
  const come = last.filter(({ connected }) => connected)
  const gone = last.filter(({ connected }) => !connected)
  if (come.length > 0) {
    await transaction.run(sql.addLinks, [replica, come.map(({ gateway }) => gateway), come.map(({ at }) => at)])
  }
  if (gone.length > 0) await transaction.run(sql.removeLinks, [replica, gone.map(({ gateway }) => gateway)])
  await transaction.run(sql.forgetReplicas, [forgetBefore])
  return known
}

export async function dropReplica(changes: Queries, replica: string): Promise<void> {
  await changes.run(sql.dropReplica, [replica])
}

/** What {@link OperatorStore.listLinks} gives. */
export function listLinks(reads: Queries, aliveAfter: number, gateways?: readonly string[]): Promise<LinkRow[]> {
  return gateways === undefined
    ? reads.all(sql.listLinks, [aliveAfter])
    : reads.all(sql.linksOf, [aliveAfter, gateways])
}

/** What {@link OperatorStore.countLinks} gives. */
export async function countLinks(reads: Queries, aliveAfter: number): Promise<number> {
  return (await reads.first<{ n: number }>(sql.countLinks, [aliveAfter]))?.n ?? 0
}

/** What {@link OperatorStore.countOtherReplicas} gives. */
export async function countOtherReplicas(reads: Queries, replica: string, aliveAfter: number): Promise<number> {
  return (await reads.first<{ n: number }>(sql.countOtherReplicas, [replica, aliveAfter]))?.n ?? 0
}

const kinds = ['first-seed', 'gateway-secret', 'radius-secret'] as const

/** What {@link OperatorStore.listSealed} gives. */
export async function listSealed(
  reads: Queries,
  after: Pick<SealedRow, 'kind' | 'place'> | undefined,
  limit: number,
): Promise<SealedRow[]> {
  const found: SealedRow[] = []
  for (const kind of kinds.slice(after ? kinds.indexOf(after.kind) : 0)) {
    const place = kind === after?.kind ? after.place : ''
    const rows = await sealedOf(reads, kind, place, limit - found.length)
    found.push(...rows.map((row) => ({ kind, ...row })))
    if (found.length === limit) break
  }
  return found
}

function sealedOf(
  reads: Queries,
  kind: SealedRow['kind'],
  after: string,
  limit: number,
): Promise<Omit<SealedRow, 'kind'>[]> {
  if (kind !== 'first-seed') return reads.all(sql.sealedSecrets, [after, kind === 'radius-secret', limit])
  const { name, generation } = readPlace(after)
  return reads.all(sql.sealedSeeds, [name, generation, limit])
}

/** What {@link OperatorStore.reseal} does. */
export async function reseal(transaction: Queries, rows: Parameters<OperatorStore['reseal']>[0]): Promise<number> {
  const seeds = rows.filter(({ kind }) => kind === 'first-seed').map((row) => ({ ...row, ...readPlace(row.place) }))
  const secrets = rows.filter(({ kind }) => kind !== 'first-seed')
  const values = (of: typeof rows) => [of.map(({ from }) => from), of.map(({ to }) => to)]
  const [seedsChanged, secretsChanged] = await Promise.all([
    transaction.run(sql.resealSeeds, [
      seeds.map(({ name }) => name),
      seeds.map(({ generation }) => generation),
      ...values(seeds),
    ]),
    transaction.run(sql.resealSecrets, [secrets.map(({ place }) => place), ...values(secrets)]),
  ])
  return seedsChanged + secretsChanged
}

/** `alice/2` */
function readPlace(place: string): { name: string; generation: number } {
  const [name = '', generation = '0'] = place.split('/')
  return { name, generation: Number(generation) }
}
