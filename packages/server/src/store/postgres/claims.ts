// Values that are set once under a name, and replaced only by whoever knows what is there.
import { StoreError } from '../contract.ts'
import type { Queries } from './database.ts'
import { statements } from './statements.ts'

const sql = statements('claims', {
  add: 'INSERT INTO claims (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING',
  find: 'SELECT value FROM claims WHERE name = $1',
  replace: 'UPDATE claims SET value = $3 WHERE name = $1 AND value = $2',
})

/** What {@link Store.claim} does. */
export async function claim(queries: Queries, name: string, value: Uint8Array): Promise<Uint8Array> {
  await queries.run(sql.add, [name, value])
  const found = await queries.first<{ value: Uint8Array }>(sql.find, [name])
  if (found === undefined) throw new StoreError('STORE_FAILED', 'a claim is missing that was there a moment ago')
  return found.value
}

/** What {@link Store.replaceClaim} does. */
export async function replaceClaim(
  queries: Queries,
  name: string,
  { from, to }: { from: Uint8Array; to: Uint8Array },
): Promise<boolean> {
  return (await queries.run(sql.replace, [name, from, to])) === 1
}
