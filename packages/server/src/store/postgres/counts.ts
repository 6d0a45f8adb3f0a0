// How many of what there are, kept with each change, for counting a million rows takes too long. Each number is spread over
// slots, so that transactions that count at the same time seldom wait for each other; it is the sum of them.
import type { Counts } from '../contract-operator.ts'
import type { Queries } from './database.ts'
import { statements } from './statements.ts'

const SLOTS = 16

type Counted =
  | 'users'
  | 'gateways.cpns'
  | 'gateways.radius'
  | 'gateways.revoked'
  | 'pnes.pending'
  | 'pnes.active'
  | 'pnes.revoked'
  | 'registered'

export type Differences = { readonly [Name in Counted]?: number }

const sql = statements('counts', {
  add: `
    INSERT INTO counts (name, slot, n) SELECT c.name, $3, c.n FROM unnest($1::text[], $2::bigint[]) AS c (name, n)
    ORDER BY c.name ON CONFLICT (name, slot) DO UPDATE SET n = counts.n + excluded.n`,
  all: 'SELECT name, sum(n) AS n FROM counts GROUP BY name',
})

export async function writeCounts(transaction: Queries, differences: ReadonlyMap<string, number>): Promise<void> {
  const changed = [...differences].filter(([, n]) => n !== 0)
  if (changed.length === 0) return
  const slot = Math.floor(Math.random() * SLOTS)
  await transaction.run(sql.add, [changed.map(([name]) => name), changed.map(([, n]) => n), slot])
}

/** What {@link OperatorStore.counts} gives. */
export async function readCounts(reads: Queries): Promise<Counts> {
  const rows = await reads.all<{ name: Counted; n: number }>(sql.all)
  const of = (name: Counted) => rows.find((row) => row.name === name)?.n ?? 0
  return {
    users: of('users'),
    gateways: { cpns: of('gateways.cpns'), radius: of('gateways.radius'), revoked: of('gateways.revoked') },
    pnes: { pending: of('pnes.pending'), active: of('pnes.active'), revoked: of('pnes.revoked') },
    registered: of('registered'),
  }
}
