// Keys of PNEs, each by its 2nd seed: replaced, retired and revoked, by themselves or with their PNE. What changes a PNE shares the row of
// its user and takes the row of the PNE for itself, which stands for its keys too.
import { type GenerationRetirement, type KeyRow, type NewKey, type Store, StoreError } from '../contract.ts'
import type { Change } from './change.ts'
import type { Queries } from './database.ts'
import { inEachOthersWay } from './errors.ts'
import { append, newest } from './revocations.ts'
import { statements } from './statements.ts'

type TagOf = (secondSeed: Uint8Array) => Uint8Array

export const key = `
  SELECT k.second_seed AS "secondSeed", k.pne_id AS "pneId", k.state, k.user_id AS "userId", u.name AS user, k.generation,
         g.identity AS gateway, k.replaces, k.created_at AS "createdAt", k.confirmed_at AS "confirmedAt",
         k.retired_at AS "retiredAt"
  FROM keys k
  JOIN pnes p ON p.pne_id = k.pne_id JOIN users u ON u.id = k.user_id JOIN gateways g ON g.id = p.gateway_id`

/** A key that this gateway assigned, and may still change. */
const ofGateway = `EXISTS (
  SELECT 1 FROM pnes p JOIN gateways g ON g.id = p.gateway_id
  WHERE p.pne_id = keys.pne_id AND g.identity = $2 AND g.revoked_at IS NULL)`

const sql = statements('keys', {
  lockGateway: `
    SELECT g.id FROM gateways g JOIN users u ON u.id = g.user_id
    WHERE g.identity = $1 AND g.revoked_at IS NULL FOR SHARE OF u, g`,
  lockByKey: `
    SELECT p.id FROM keys k JOIN pnes p ON p.pne_id = k.pne_id
    JOIN gateways g ON g.id = p.gateway_id JOIN users u ON u.id = p.user_id
    WHERE k.second_seed = $1 FOR SHARE OF u, g FOR NO KEY UPDATE OF p`,
  lockUserOf: 'SELECT u.id FROM pnes p JOIN users u ON u.id = p.user_id WHERE p.pne_id = $1 FOR SHARE OF u',
  lockUser: 'SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE',

  find: `${key} WHERE k.second_seed = $1`,
  ofPne: `${key} WHERE k.pne_id = $1 ORDER BY k.generation DESC, k.created_at DESC, k.second_seed`,
  add: `
    INSERT INTO keys (second_seed, pne_id, state, user_id, generation, replaces, created_at)
    SELECT $1, p.pne_id, 'pending', p.user_id, (SELECT max(generation) FROM first_seeds WHERE user_id = p.user_id), $3, $4
    FROM pnes p WHERE p.pne_id = $2
    ON CONFLICT (second_seed) DO NOTHING`,
  retire: `
    UPDATE keys SET state = 'retired', retired_at = $3
    WHERE second_seed = $1 AND state = 'active' AND ${ofGateway}
      AND EXISTS (SELECT 1 FROM keys k WHERE k.pne_id = keys.pne_id AND k.state = 'active' AND k.second_seed <> $1)`,

  lockPne: `SELECT id, pne_id AS "pneId", state FROM pnes WHERE pne_id = $1 AND state <> 'revoked' FOR NO KEY UPDATE`,
  lockPnes: `
    SELECT id, pne_id AS "pneId", state FROM pnes WHERE pne_id = ANY($1::text[]) AND state <> 'revoked'
    ORDER BY id FOR NO KEY UPDATE`,
  lockPnesOfUser: `
    SELECT id, pne_id AS "pneId", state FROM pnes WHERE user_id = $1 AND state <> 'revoked' ORDER BY id FOR NO KEY UPDATE`,
  revokePnes: `UPDATE pnes SET state = 'revoked', revoked_at = $2 WHERE id = ANY($1::bigint[])`,
  revokeOfPnes: `
    UPDATE keys SET state = 'revoked' WHERE pne_id = ANY($1::text[]) AND state <> 'revoked'
    RETURNING second_seed AS "secondSeed", pne_id AS "pneId"`,
  revoke: `
    UPDATE keys SET state = 'revoked' WHERE second_seed = ANY($1::bytea[])
    RETURNING second_seed AS "secondSeed", pne_id AS "pneId"`,
  deregister: 'DELETE FROM registrations WHERE pne_id = ANY($1::bigint[])',

  ofGeneration: `
    SELECT k.second_seed AS "secondSeed", k.pne_id AS "pneId",
           EXISTS (SELECT 1 FROM keys WHERE pne_id = k.pne_id AND state = 'active' AND generation <> k.generation) AS others
    FROM keys k WHERE k.user_id = $1 AND k.generation = $2 AND k.state = 'active'`,
  removePendingOfGeneration: `
    DELETE FROM keys WHERE user_id = $1 AND generation = $2 AND state = 'pending' RETURNING pne_id AS "pneId"`,
  destroySeed: `
    UPDATE first_seeds SET sealed = '' FROM users
    WHERE user_id = $1 AND generation = $2 AND octet_length(sealed) > 0 AND users.id = user_id RETURNING users.name AS user`,
  removePending: `DELETE FROM keys WHERE state = 'pending' AND created_at < $1 RETURNING pne_id AS "pneId"`,
  removePendingPnes: `
    DELETE FROM pnes WHERE pne_id = ANY($1::text[]) AND state = 'pending'
      AND NOT EXISTS (SELECT 1 FROM keys WHERE pne_id = pnes.pne_id)`,
  removeRetired: `DELETE FROM keys WHERE state = 'retired' AND retired_at < $1`,
})

/**
 * What {@link Store.assignKey} does.
 * @throws {PostgresError} another transaction has just added it: begin again, and it is found
 */
export async function assignKey(
  change: Change,
  { secondSeed, replaces, gateway, createdAt }: NewKey,
): Promise<KeyRow | undefined> {
  const [assigner, known, , old] = await Promise.all([
    change.first<{ id: number }>(sql.lockGateway, [gateway]),
    findKey(change, secondSeed),
    change.run(sql.lockByKey, [replaces]),
    findKey(change, replaces),
  ])
  if (assigner === undefined || known !== undefined) return assigner === undefined ? undefined : known
  if (old?.state !== 'active' || old.gateway !== gateway) {
    throw new StoreError('STORE_UNKNOWN_KEY', 'the key to replace is not an active one of this gateway')
  }
  const [added, assigned] = await Promise.all([
    change.run(sql.add, [secondSeed, old.pneId, replaces, createdAt]),
    findKey(change, secondSeed),
  ])
  if (added === 0) throw inEachOthersWay()
  return assigned
}

/** What {@link Store.retireKey} does. */
export async function retireKey(
  change: Change,
  secondSeed: Uint8Array,
  gateway: string,
  at: number,
): Promise<KeyRow | undefined> {
  const [, retired, found] = await Promise.all([
    change.run(sql.lockByKey, [secondSeed]),
    change.run(sql.retire, [secondSeed, gateway, at]),
    findKey(change, secondSeed),
  ])
  if (retired > 0) change.note('key', Buffer.from(secondSeed).toString('hex'))
  return found
}

/** What {@link Store.revokePne} does, once. */
export async function revokePne(change: Change, pneId: string, tagOf: TagOf, at: number): Promise<void> {
  await change.run(sql.lockUserOf, [pneId])
  await revokePnes(change, { pneId }, tagOf, at)
}

type Which = { pneId: string } | { pneIds: readonly string[] } | { userId: number }

/** Makes PNEs and their keys revoked. The rows of their users must be held. Gives how many PNEs were not revoked before. */
export async function revokePnes(change: Change, which: Which, tagOf: TagOf, at: number): Promise<number> {
  const pnes = await lockPnes(change, which)
  if (pnes.length === 0) return 0
  const [ids, pneIds] = [pnes.map(({ id }) => id), pnes.map(({ pneId }) => pneId)]
  const [, keys, gone] = await Promise.all([
    change.run(sql.revokePnes, [ids, at]),
    change.all<KeyOfPne>(sql.revokeOfPnes, [pneIds]),
    change.run(sql.deregister, [ids]),
  ])
  await append(change, tagged(keys, tagOf), at)
  const pending = pnes.filter(({ state }) => state === 'pending').length
  change.count({
    'pnes.pending': -pending,
    'pnes.active': pending - pnes.length,
    'pnes.revoked': pnes.length,
    registered: -gone,
  })
  return pnes.length
}

interface LockedPne {
  id: number
  pneId: string
  state: 'pending' | 'active'
}

function lockPnes(change: Change, which: Which): Promise<LockedPne[]> {
  if ('pneId' in which) return change.all(sql.lockPne, [which.pneId])
  if ('pneIds' in which) return change.all(sql.lockPnes, [which.pneIds])
  return change.all(sql.lockPnesOfUser, [which.userId])
}

interface KeyOfPne {
  secondSeed: Uint8Array
  pneId: string
}

function tagged(keys: readonly KeyOfPne[], tagOf: TagOf) {
  return keys.map(({ secondSeed, pneId }) => ({ pneId, tag: tagOf(secondSeed) }))
}

/** What {@link Store.retireGeneration} does. */
export async function retireGeneration(
  change: Change,
  { userId, generation, force, tagOf, at }: Parameters<Store['retireGeneration']>[0],
): Promise<Omit<GenerationRetirement, 'erased'>> {
  const [, inUse] = await Promise.all([
    change.run(sql.lockUser, [userId]),
    change.all<KeyOfPne & { others: boolean }>(sql.ofGeneration, [userId, generation]),
  ])
  const retired = force || inUse.length === 0
  const alone = [...new Set(inUse.filter(({ others }) => !others).map(({ pneId }) => pneId))]
  if (retired) {
    await revokeKeys(
      change,
      inUse.filter(({ others }) => others),
      tagOf,
      at,
    )
    await revokePnes(change, { pneIds: alone }, tagOf, at)
    await removePendingOf(change, await change.all(sql.removePendingOfGeneration, [userId, generation]))
    const destroyed = await change.first<{ user: string }>(sql.destroySeed, [userId, generation])
    if (destroyed) change.note('user', destroyed.user)
  }
  return { retired, keys: inUse.length, pnes: retired ? alone.length : 0, newestRevocation: await newest(change) }
}

async function revokeKeys(change: Change, keys: readonly KeyOfPne[], tagOf: TagOf, at: number): Promise<void> {
  if (keys.length === 0) return
  await change.all(sql.lockPnes, [keys.map(({ pneId }) => pneId)])
  const revoked = await change.all<KeyOfPne>(sql.revoke, [keys.map(({ secondSeed }) => secondSeed)])
  await append(change, tagged(revoked, tagOf), at)
}

/** What {@link Store.removePendingPnes} does. */
export async function removePendingPnes(change: Change, time: number): Promise<number> {
  const keys = await change.all<{ pneId: string }>(sql.removePending, [time])
  await removePendingOf(change, keys)
  return keys.length
}

async function removePendingOf(change: Change, keys: readonly { pneId: string }[]): Promise<void> {
  if (keys.length === 0) return
  const pneIds = [...new Set(keys.map(({ pneId }) => pneId))]
  change.count({ 'pnes.pending': -(await change.run(sql.removePendingPnes, [pneIds])) })
}

/** What {@link Store.removeRetiredKeys} does. */
export function removeRetiredKeys(queries: Queries, time: number): Promise<number> {
  return queries.run(sql.removeRetired, [time])
}

function findKey(queries: Queries, secondSeed: Uint8Array): Promise<KeyRow | undefined> {
  return queries.first(sql.find, [secondSeed])
}

/** What {@link Store.listKeys} gives. */
export function listKeys(reads: Queries, pneId: string): Promise<KeyRow[]> {
  return reads.all(sql.ofPne, [pneId])
}
