// What gateways ask for when they pair PNEs: to assign, then to confirm. What many ask for at a time is done in one transaction,
// statement by statement for all of them together, so that each costs little more than its rows.
import type { KeyRow, NewPne } from '../contract.ts'
import { wordsOf } from '../words.ts'
import type { Change } from './change.ts'
import { inEachOthersWay } from './errors.ts'
import { key } from './keys.ts'
import { statements } from './statements.ts'

const sql = statements('assignments', {
  // For others do not wait for one whose user is just being removed.
  waitLittle: `SELECT set_config('lock_timeout', '500ms', true)`,
  lockUsers: `
    SELECT id FROM users WHERE id IN (SELECT user_id FROM gateways WHERE identity = ANY($1::text[])) ORDER BY id FOR SHARE`,
  lockGateways: `
    SELECT id, identity FROM gateways WHERE identity = ANY($1::text[]) AND revoked_at IS NULL ORDER BY id FOR SHARE`,
  add: `
    WITH new AS (
      SELECT * FROM (
        SELECT n.*, g.id AS gateway_id, g.user_id, row_number() OVER (PARTITION BY n.second_seed ORDER BY n.place) AS turn
        FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bigint[])
          WITH ORDINALITY AS n (second_seed, pne_id, gateway, name, created_at, place)
        JOIN gateways g ON g.identity = n.gateway AND g.revoked_at IS NULL
      ) AS n
      WHERE turn = 1 AND NOT EXISTS (SELECT 1 FROM keys WHERE keys.second_seed = n.second_seed)
    ), added AS (
      INSERT INTO pnes (pne_id, state, user_id, gateway_id, name, created_at)
      SELECT pne_id, 'pending', user_id, gateway_id, name, created_at FROM new ORDER BY place RETURNING id, pne_id
    ), named AS (
      INSERT INTO pne_words (word, pne)
      SELECT DISTINCT w.word, added.id FROM unnest($6::text[], $7::text[]) AS w (word, pne_id) JOIN added ON added.pne_id = w.pne_id
    ), keyed AS (
      INSERT INTO keys (second_seed, pne_id, state, user_id, generation, created_at)
      SELECT second_seed, pne_id, 'pending', user_id,
             (SELECT max(generation) FROM first_seeds WHERE user_id = new.user_id), created_at
      FROM new ON CONFLICT (second_seed) DO NOTHING RETURNING pne_id
    )
    SELECT (SELECT count(*) FROM added) AS pnes, (SELECT count(*) FROM keyed) AS keys`,
  lockUsersOf: `
    SELECT id FROM users WHERE id IN (
      SELECT p.user_id FROM keys k JOIN pnes p ON p.pne_id = k.pne_id WHERE k.second_seed = ANY($1::bytea[]))
    ORDER BY id FOR SHARE`,
  lockGatewaysOf: `
    SELECT id FROM gateways WHERE id IN (
      SELECT p.gateway_id FROM keys k JOIN pnes p ON p.pne_id = k.pne_id WHERE k.second_seed = ANY($1::bytea[]))
    ORDER BY id FOR SHARE`,
  lockPnes: `
    SELECT id FROM pnes WHERE pne_id IN (SELECT pne_id FROM keys WHERE second_seed = ANY($1::bytea[]))
    ORDER BY id FOR NO KEY UPDATE`,
  confirm: `
    WITH confirmed AS (
      UPDATE keys SET state = 'active', confirmed_at = a.at
      FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS a (second_seed, gateway, at), pnes p, gateways g
      WHERE keys.second_seed = a.second_seed AND keys.state = 'pending' AND p.pne_id = keys.pne_id
        AND g.id = p.gateway_id AND g.identity = a.gateway AND g.revoked_at IS NULL
      RETURNING keys.pne_id, a.at
    )
    UPDATE pnes SET state = 'active', confirmed_at = c.at FROM confirmed c WHERE pnes.pne_id = c.pne_id AND state = 'pending'`,
  find: `${key} WHERE k.second_seed = ANY($1::bytea[])`,
})

type Answers = PromiseSettledResult<KeyRow | undefined>[]

/** What {@link Store.assignPne} does, for several at once. */
export async function assignPnes(change: Change, pnes: readonly NewPne[]): Promise<Answers> {
  const gateways = [...new Set(pnes.map(({ gateway }) => gateway))]
  const seeds = pnes.map(({ secondSeed }) => secondSeed)
  const words = pnes.flatMap(({ pneId, name }) => wordsOf(name).map((word) => ({ word, pneId })))
  const [, , known, added, found] = await Promise.all([
    waitLittle(change, pnes),
    change.run(sql.lockUsers, [gateways]),
    change.all<{ identity: string }>(sql.lockGateways, [gateways]),
    change.first<{ pnes: number; keys: number }>(sql.add, [
      seeds,
      pnes.map(({ pneId }) => pneId),
      pnes.map(({ gateway }) => gateway),
      pnes.map(({ name }) => name),
      pnes.map(({ createdAt }) => createdAt),
      words.map(({ word }) => word),
      words.map(({ pneId }) => pneId),
    ]),
    change.all<KeyRow>(sql.find, [seeds]),
  ])
  // Another transaction has just added one of them: begin again, and it is found.
  if (added?.pnes !== added?.keys) throw inEachOthersWay()
  change.count({ 'pnes.pending': added?.pnes ?? 0 })
  const isKnown = new Set(known.map(({ identity }) => identity))
  const answers = answersOf(seeds, found)
  return answers.map((answer, at) => (isKnown.has(pnes[at]?.gateway ?? '') ? answer : { ...answer, value: undefined }))
}

export interface Confirmation {
  secondSeed: Uint8Array
  gateway: string
  at: number
}

/** What {@link Store.confirmPne} does, for several at once. */
export async function confirmPnes(change: Change, asked: readonly Confirmation[]): Promise<Answers> {
  const seeds = asked.map(({ secondSeed }) => secondSeed)
  const [, , , , confirmed, found] = await Promise.all([
    waitLittle(change, asked),
    change.run(sql.lockUsersOf, [seeds]),
    change.run(sql.lockGatewaysOf, [seeds]),
    change.run(sql.lockPnes, [seeds]),
    change.run(sql.confirm, [seeds, asked.map(({ gateway }) => gateway), asked.map(({ at }) => at)]),
    change.all<KeyRow>(sql.find, [seeds]),
  ])
  change.count({ 'pnes.pending': -confirmed, 'pnes.active': confirmed })
  return answersOf(seeds, found)
}

/** One that is alone may wait the time of a whole transaction. */
async function waitLittle(change: Change, { length }: readonly unknown[]): Promise<void> {
  if (length > 1) await change.run(sql.waitLittle)
}

function answersOf(seeds: readonly Uint8Array[], found: readonly KeyRow[]) {
  const keys = new Map(found.map((row) => [nameOf(row.secondSeed), row]))
  return seeds.map((seed) => ({ status: 'fulfilled' as const, value: keys.get(nameOf(seed)) }))
}

function nameOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1')
}
