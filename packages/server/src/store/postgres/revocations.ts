// The revocation log. Gateways read it onwards from the last number that they know, so a number must never appear below one
// that somebody has read: a writer takes the row of the counter, and holds it until its numbers can be read.
import type { RevocationRow } from '../contract.ts'
import type { Queries } from './database.ts'
import { statements } from './statements.ts'

const columns = 'seq, tag, pne_id AS "pneId", at'

const sql = statements('revocations', {
  append: `
    WITH counter AS (UPDATE counters SET value = value + $4 WHERE name = 'revocations' RETURNING value)
    INSERT INTO revocations (seq, pne_id, tag, at)
    SELECT counter.value - $4 + line.n, line.pne_id, line.tag, $3
    FROM counter, unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS line (pne_id, tag, n)`,
  newestOf: `SELECT ${columns} FROM revocations WHERE pne_id = $1 ORDER BY seq DESC LIMIT 1`,
  since: `SELECT ${columns} FROM revocations WHERE seq > $1 ORDER BY seq LIMIT $2`,
  newest: 'SELECT coalesce(max(seq), 0) AS seq FROM revocations',
})

export interface Line {
  pneId: string
  tag: Uint8Array
}

/** The last that a transaction does: all others that revoke wait until it ends. */
export async function append(transaction: Queries, lines: readonly Line[], at: number): Promise<void> {
  if (lines.length === 0) return
  await transaction.run(sql.append, [lines.map(({ pneId }) => pneId), lines.map(({ tag }) => tag), at, lines.length])
}

export function newestOf(queries: Queries, pneId: string): Promise<RevocationRow | undefined> {
  return queries.first(sql.newestOf, [pneId])
}

export function since(queries: Queries, seq: number, limit: number): Promise<RevocationRow[]> {
  return queries.all(sql.since, [seq, limit])
}

export async function newest(queries: Queries): Promise<number> {
  const found = await queries.first<{ seq: number }>(sql.newest)
  return found?.seq ?? 0
}
