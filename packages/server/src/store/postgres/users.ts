// End users, their policy and their 1st seeds. What changes a user as a whole takes the row of the user for itself; what
// changes a single PNE of the user shares it (keys.ts), so the two never meet.
import {
  type FirstSeedRow,
  type GenerationRow,
  type Page,
  type PageRequest,
  type PneCounts,
  type Removal,
  type Store,
  StoreError,
  type UserFilter,
  type UserPolicyChange,
  type UserRow,
} from '../contract.ts'
import { page } from '../paging.ts'
import { ABOVE_ALL } from '../words.ts'
import type { Change } from './change.ts'
import type { Queries } from './database.ts'
import { revokeGateways } from './gateways.ts'
import { revokePnes } from './keys.ts'
import { newest } from './revocations.ts'
import { Conditions, statements } from './statements.ts'

const user = `
  SELECT u.id, u.version, u.name, u.roaming, u.sessions_max AS "sessionsMax", u.created_at AS "createdAt",
         u.removed_at AS "removedAt", (SELECT max(generation) FROM first_seeds WHERE user_id = u.id) AS generation
  FROM users u`

const sql = statements('users', {
  add: 'INSERT INTO users (name, created_at) VALUES ($1, $2) RETURNING id',
  find: `${user} WHERE u.name = $1`,
  lock: 'SELECT id, version FROM users WHERE name = $1 AND removed_at IS NULL FOR NO KEY UPDATE',
  addSeed: 'INSERT INTO first_seeds (user_id, generation, sealed, created_at) VALUES ($1, $2, $3, $4)',
  addNextSeed: `
    INSERT INTO first_seeds (user_id, generation, sealed, created_at)
    SELECT $1::bigint, $2::integer, $3::bytea, $4::bigint
    WHERE $2::integer = 1 + (SELECT coalesce(max(generation), 0) FROM first_seeds WHERE user_id = $1::bigint)`,
  noteChange: 'UPDATE users SET version = version + 1 WHERE id = $1 RETURNING name',
  findSeed: `
    SELECT u.name AS user, s.sealed FROM first_seeds s JOIN users u ON u.id = s.user_id
    WHERE s.user_id = $1 AND s.generation = $2`,
  generations: `
    SELECT s.generation, s.created_at AS "createdAt", octet_length(s.sealed) = 0 AS retired,
           (SELECT count(*) FROM keys WHERE user_id = s.user_id AND generation = s.generation AND state = 'active') AS keys
    FROM first_seeds s WHERE s.user_id = $1 ORDER BY s.generation`,
  countPnes: 'SELECT state, count(*) AS n FROM pnes WHERE user_id = $1 GROUP BY state',
  changeRoaming: 'UPDATE users SET roaming = $2 WHERE id = $1',
  changeSessionsMax: 'UPDATE users SET sessions_max = $2 WHERE id = $1',
  unlist: 'DELETE FROM listed_gateways WHERE user_id = $1',
  list: `
    INSERT INTO listed_gateways (user_id, gateway_id) SELECT $1, id FROM gateways WHERE identity = ANY($2::text[])`,
  listed: `
    SELECT g.identity FROM listed_gateways l JOIN gateways g ON g.id = l.gateway_id
    WHERE l.user_id = $1 ORDER BY g.identity`,
  remove: 'UPDATE users SET removed_at = $2, version = version + 1 WHERE id = $1',
  destroySeeds: `UPDATE first_seeds SET sealed = '' WHERE user_id = $1`,
})

/** What {@link Store.addUser} does. */
export async function addUser(change: Change, of: Parameters<Store['addUser']>[0]): Promise<UserRow> {
  const { name, sealedFirstSeed, createdAt } = of
  const added = await change.first<{ id: number }>(sql.add, [name, createdAt])
  await change.run(sql.addSeed, [added?.id, 1, sealedFirstSeed, createdAt])
  change.count({ users: 1 })
  return row(await findUser(change, name))
}

export function findUser(queries: Queries, name: string): Promise<UserRow | undefined> {
  return queries.first(sql.find, [name])
}

/** What {@link Store.listUsers} gives. */
export async function listUsers(
  reads: Queries,
  { query }: UserFilter,
  { limit, cursor = '' }: PageRequest,
): Promise<Page<UserRow>> {
  const conditions = new Conditions().add('after', 'u.name > ?', cursor)
  if (query !== undefined) conditions.add('from', 'u.name >= ?', query).add('to', 'u.name < ?', query + ABOVE_ALL)
  const list = conditions.statement(
    'users.list',
    (where, last) => `${user} ${where} ORDER BY u.name LIMIT ${last}`,
    limit + 1,
  )
  return page(await reads.all<UserRow>(...list), limit, ({ name }) => name)
}

/** What {@link Store.countPnes} gives. */
export async function countPnes(reads: Queries, userId: number): Promise<PneCounts> {
  const counts = { pending: 0, active: 0, revoked: 0 }
  for (const { state, n } of await reads.all<{ state: keyof PneCounts; n: number }>(sql.countPnes, [userId])) {
    counts[state] = n
  }
  return counts
}

/** What {@link Store.listGenerations} gives. */
export function listGenerations(reads: Queries, userId: number): Promise<GenerationRow[]> {
  return reads.all(sql.generations, [userId])
}

/** What {@link Store.addFirstSeed} does. */
export async function addFirstSeed(change: Change, seed: Parameters<Store['addFirstSeed']>[0]): Promise<void> {
  const { userId, generation, sealed, createdAt } = seed
  const [user, added] = await Promise.all([
    change.first<{ name: string }>(sql.noteChange, [userId]), // and so the row of the user is ours
    change.run(sql.addNextSeed, [userId, generation, sealed, createdAt]),
  ])
  if (user === undefined || added === 0) {
    throw new StoreError('STORE_DUPLICATE', 'another 1st seed was added at the same time: try again')
  }
  change.note('user', user.name)
}

export function findFirstSeed(reads: Queries, userId: number, generation: number): Promise<FirstSeedRow | undefined> {
  return reads.first(sql.findSeed, [userId, generation])
}

/** What {@link Store.changeUserPolicy} does. */
export async function changeUserPolicy(
  change: Change,
  name: string,
  { roaming, gateways, sessionsMax }: UserPolicyChange,
  ifVersion: number | undefined,
): Promise<UserRow | undefined> {
  const locked = await change.first<{ id: number; version: number }>(sql.lock, [name])
  if (locked === undefined) return undefined
  const { id, version } = locked
  if (ifVersion !== undefined && ifVersion !== version) {
    throw new StoreError('STORE_CHANGED', 'the user was changed meanwhile: look again')
  }
  if (roaming !== undefined) await change.run(sql.changeRoaming, [id, roaming])
  if (sessionsMax !== undefined) await change.run(sql.changeSessionsMax, [id, sessionsMax])
  if (gateways !== undefined) await listGateways(change, id, [...new Set(gateways)])
  await change.run(sql.noteChange, [id])
  change.note('user', name)
  return findUser(change, name)
}

async function listGateways(transaction: Queries, userId: number, gateways: readonly string[]): Promise<void> {
  await transaction.run(sql.unlist, [userId])
  const listed = await transaction.run(sql.list, [userId, gateways])
  if (listed !== gateways.length) throw new StoreError('STORE_UNKNOWN_GATEWAY', 'a listed gateway is not there')
}

/** What {@link Store.listedGateways} gives. */
export async function listedGateways(reads: Queries, userId: number): Promise<string[]> {
  return (await reads.all<{ identity: string }>(sql.listed, [userId])).map(({ identity }) => identity)
}

/** What {@link Store.removeUser} does. What was overwritten stays in the files of the database until it cleans them up. */
export async function removeUser(
  change: Change,
  name: string,
  tagOf: (secondSeed: Uint8Array) => Uint8Array,
  at: number,
): Promise<Omit<Removal, 'erased'> | undefined> {
  const locked = await change.first<{ id: number }>(sql.lock, [name])
  if (locked === undefined) return undefined
  const { id } = locked
  await change.run(sql.remove, [id, at])
  const gateways = await revokeGateways(change, id, at)
  await change.run(sql.destroySeeds, [id])
  await change.run(sql.unlist, [id])
  change.count({ users: -1 })
  change.note('user', name)
  const pnes = await revokePnes(change, { userId: id }, tagOf, at)
  return {
    user: row(await findUser(change, name)),
    pnes,
    gateways,
    newestRevocation: await newest(change),
  }
}

/** A row that must be there: it was written or found in the same change. */
function row<T>(found: T | undefined): T {
  if (found === undefined) throw new TypeError('a row is missing that was there a moment ago')
  return found
}
