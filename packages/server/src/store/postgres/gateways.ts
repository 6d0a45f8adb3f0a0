// Gateways: PN gateways and RADIUS clients.
import {
  type GatewayFilter,
  type GatewayRow,
  type GatewaySecretRow,
  type ListedGatewayRow,
  type NewGateway,
  type Page,
  type PageRequest,
  type PnFilter,
  type PnRow,
  type RadiusGatewayRow,
  StoreError,
} from '../contract.ts'
import { page } from '../paging.ts'
import { ABOVE_ALL } from '../words.ts'
import type { Change } from './change.ts'
import type { Queries } from './database.ts'
import { Conditions, statements } from './statements.ts'

const columns = `
  g.identity, g.version, g.radius, g.visitors, g.user_id AS "userId", u.name AS user, g.created_at AS "createdAt",
  g.revoked_at AS "revokedAt"`
const tables = 'gateways g JOIN users u ON u.id = g.user_id'
const registered = '(SELECT count(*) FROM registrations WHERE gateway_id = g.id) AS registered'
const pn = `SELECT g.identity AS gateway, u.name AS user, g.visitors, ${registered} FROM ${tables}`
const isPn = 'g.radius IS NULL AND g.revoked_at IS NULL'

const sql = statements('gateways', {
  lockUser: 'SELECT id FROM users WHERE id = $1 AND removed_at IS NULL FOR SHARE',
  findPrefix: 'SELECT 1 FROM gateways WHERE radius = $1 AND revoked_at IS NULL',
  add: `
    INSERT INTO gateways (identity, radius, user_id, sealed_secret, created_at) VALUES ($1, $2, $3, $4, $5)`,
  find: `SELECT ${columns} FROM ${tables} WHERE g.identity = $1`,
  findSecret: `SELECT ${columns}, g.sealed_secret AS "sealedSecret" FROM ${tables} WHERE g.identity = $1`,
  lock: 'SELECT id, version FROM gateways WHERE identity = $1 FOR NO KEY UPDATE',
  changeVisitors: 'UPDATE gateways SET visitors = $2, version = version + 1 WHERE id = $1',
  revoke: `
    UPDATE gateways SET revoked_at = $2, version = version + 1 WHERE identity = $1 AND revoked_at IS NULL
    RETURNING id, identity, radius`,
  revokeOfUser: `
    UPDATE gateways SET revoked_at = $2, version = version + 1 WHERE user_id = $1 AND revoked_at IS NULL
    RETURNING id, identity, radius`,
  deregister: 'DELETE FROM registrations WHERE gateway_id = ANY($1::bigint[])',
  radius: `
    SELECT identity, radius, sealed_secret AS "sealedSecret" FROM gateways
    WHERE radius IS NOT NULL AND revoked_at IS NULL`,
  radiusChanges: 'SELECT count(*) + count(revoked_at) AS changes FROM gateways WHERE radius IS NOT NULL',
  findPn: `${pn} WHERE ${isPn} AND g.identity = $1`,
})

/** What {@link Store.addGateway} does. */
export async function addGateway(change: Change, gateway: NewGateway): Promise<GatewayRow> {
  const { identity, radius, userId, sealedSecret, createdAt } = gateway
  const user = await change.first(sql.lockUser, [userId])
  if (radius !== null && (await change.first(sql.findPrefix, [radius])) !== undefined) throw prefixTaken()
  if (user === undefined) throw new StoreError('STORE_UNKNOWN_USER', 'the user is not there, or was removed')
  await change.run(sql.add, [identity, radius, userId, sealedSecret, createdAt]).catch(asPrefixTaken)
  change.count({ [radius === null ? 'gateways.cpns' : 'gateways.radius']: 1 })
  return (await findGateway(change, identity)) as GatewayRow
}

/** Another process was a moment faster with this prefix. */
function asPrefixTaken(error: unknown): never {
  const cause = error instanceof StoreError ? error.cause : undefined
  throw cause instanceof Error && cause.message.includes('gateways_radius') ? prefixTaken() : error
}

function prefixTaken(): StoreError {
  return new StoreError('STORE_PREFIX_TAKEN', 'another RADIUS client has this address prefix')
}

function findGateway(queries: Queries, identity: string): Promise<GatewayRow | undefined> {
  return queries.first(sql.find, [identity])
}

export function findGatewaySecret(reads: Queries, identity: string): Promise<GatewaySecretRow | undefined> {
  return reads.first(sql.findSecret, [identity])
}

/** What {@link Store.listGateways} gives. */
export async function listGateways(
  reads: Queries,
  { query, user, kind, state }: GatewayFilter,
  { limit, cursor = '' }: PageRequest,
): Promise<Page<ListedGatewayRow>> {
  const conditions = beginning(query, cursor).addGiven('user', ofUser, user)
  if (kind !== undefined) conditions.add(kind, kind === 'radius' ? 'g.radius IS NOT NULL' : 'g.radius IS NULL')
  if (state !== undefined)
    conditions.add(state, state === 'active' ? 'g.revoked_at IS NULL' : 'g.revoked_at IS NOT NULL')
  const select = `SELECT ${columns}, ${registered} FROM ${tables}`
  const list = conditions.statement('gateways.list', (where, last) => `${select} ${where} ${order} ${last}`, limit + 1)
  return page(await reads.all<ListedGatewayRow>(...list), limit, ({ identity }) => identity)
}

const ofUser = 'g.user_id = (SELECT id FROM users WHERE name = ?)'
const order = 'ORDER BY g.identity LIMIT'

function beginning(query: string | undefined, cursor: string): Conditions {
  const conditions = new Conditions().add('after', 'g.identity > ?', cursor)
  if (query === undefined) return conditions
  return conditions.add('from', 'g.identity >= ?', query).add('to', 'g.identity < ?', query + ABOVE_ALL)
}

/** What {@link Store.changeVisitors} does. */
export async function changeVisitors(
  change: Change,
  identity: string,
  visitors: boolean,
  ifVersion: number | undefined,
): Promise<GatewayRow | undefined> {
  const locked = await change.first<{ id: number; version: number }>(sql.lock, [identity])
  if (locked === undefined) return undefined
  if (ifVersion !== undefined && ifVersion !== locked.version) {
    throw new StoreError('STORE_CHANGED', 'the gateway was changed meanwhile: look again')
  }
  await change.run(sql.changeVisitors, [locked.id, visitors])
  change.note('gateway', identity)
  return findGateway(change, identity)
}

/** What {@link Store.revokeGateway} does. */
export async function revokeGateway(change: Change, identity: string, at: number): Promise<GatewayRow | undefined> {
  await noteRevoked(change, await change.all<Revoked>(sql.revoke, [identity, at]))
  return findGateway(change, identity)
}

/** Of a user, all. Gives their identities. */
export async function revokeGateways(change: Change, userId: number, at: number): Promise<string[]> {
  const revoked = await change.all<Revoked>(sql.revokeOfUser, [userId, at])
  await noteRevoked(change, revoked)
  return revoked.map(({ identity }) => identity).sort()
}

interface Revoked {
  id: number
  identity: string
  radius: string | null
}

async function noteRevoked(change: Change, gateways: readonly Revoked[]): Promise<void> {
  if (gateways.length === 0) return
  for (const { identity } of gateways) change.note('gateway', identity)
  const gone = await change.run(sql.deregister, [gateways.map(({ id }) => id)])
  const radius = gateways.filter((gateway) => gateway.radius !== null).length
  const cpns = gateways.length - radius
  change.count({
    'gateways.cpns': -cpns,
    'gateways.radius': -radius,
    'gateways.revoked': gateways.length,
    registered: -gone,
  })
}

export function listRadiusGateways(reads: Queries): Promise<RadiusGatewayRow[]> {
  return reads.all(sql.radius)
}

/** What {@link Store.radiusGatewayChanges} gives. */
export async function radiusGatewayChanges(reads: Queries): Promise<number> {
  const found = await reads.first<{ changes: number }>(sql.radiusChanges)
  return found?.changes ?? 0
}

/** What {@link Store.listPns} gives. */
export async function listPns(
  reads: Queries,
  { query, user }: PnFilter,
  { limit, cursor = '' }: PageRequest,
): Promise<Page<PnRow>> {
  const conditions = beginning(query, cursor).addGiven('user', ofUser, user).add('pn', isPn)
  const list = conditions.statement('pns.list', (where, last) => `${pn} ${where} ${order} ${last}`, limit + 1)
  return page(await reads.all<PnRow>(...list), limit, ({ gateway }) => gateway)
}

export function findPn(reads: Queries, gateway: string): Promise<PnRow | undefined> {
  return reads.first(sql.findPn, [gateway])
}
