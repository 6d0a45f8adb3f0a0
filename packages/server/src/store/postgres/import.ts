// Many assignments at once, each batch in a transaction of a few statements.
import { type NewPne, StoreError } from '../contract.ts'
import { inBatches } from '../paging.ts'
import { wordsOf } from '../words.ts'
import type { Change } from './change.ts'
import { statements } from './statements.ts'

/** Assignments in one transaction. */
const BATCH = 5000

const sql = statements('import', {
  addPnes: `
    INSERT INTO pnes (pne_id, state, user_id, gateway_id, name, created_at, confirmed_at)
    SELECT n.pne_id, 'active', g.user_id, g.id, n.name, n.created_at, n.created_at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS n (pne_id, gateway, name, created_at, place)
    JOIN gateways g ON g.identity = n.gateway AND g.revoked_at IS NULL
    ORDER BY n.place RETURNING id, pne_id AS "pneId"`,
  addKeys: `
    INSERT INTO keys (second_seed, pne_id, state, user_id, generation, created_at, confirmed_at)
    SELECT n.second_seed, p.pne_id, 'active', p.user_id, s.generation, n.created_at, n.created_at
    FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS n (second_seed, pne_id, created_at)
    JOIN pnes p ON p.pne_id = n.pne_id
    JOIN LATERAL (SELECT max(generation) AS generation FROM first_seeds WHERE user_id = p.user_id) s ON true`,
  addWords: 'INSERT INTO pne_words (word, pne) SELECT word, pne FROM unnest($1::text[], $2::bigint[]) AS n (word, pne)',
})

/** What {@link Store.importPnes} does. */
export async function importPnes(
  change: (work: (change: Change) => Promise<void>) => Promise<void>,
  pnes: Iterable<NewPne>,
): Promise<number> {
  let count = 0
  for (const batch of inBatches(pnes, BATCH)) {
    await change((transaction) => add(transaction, batch))
    count += batch.length
  }
  return count
}

async function add(change: Change, pnes: readonly NewPne[]): Promise<void> {
  const pneIds = pnes.map(({ pneId }) => pneId)
  const times = pnes.map(({ createdAt }) => createdAt)
  const rows = [pneIds, pnes.map(({ gateway }) => gateway), pnes.map(({ name }) => name), times]
  const added = await change.all<{ id: number; pneId: string }>(sql.addPnes, rows)
  if (added.length < pnes.length) {
    throw new StoreError('STORE_UNKNOWN_GATEWAY', 'a PNE names a gateway that is not there')
  }
  await change.run(sql.addKeys, [pnes.map(({ secondSeed }) => secondSeed), pneIds, times])
  const ids = new Map(added.map(({ id, pneId }) => [pneId, id]))
  const words = pnes.flatMap(({ pneId, name }) => wordsOf(name).map((word) => ({ word, pne: ids.get(pneId) })))
  if (words.length > 0) await change.run(sql.addWords, [words.map(({ word }) => word), words.map(({ pne }) => pne)])
  change.count({ 'pnes.active': pnes.length })
}
