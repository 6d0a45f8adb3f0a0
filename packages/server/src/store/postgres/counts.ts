// How many of what there are, kept with each change, for counting a million rows takes too long. Each number is spread over
// slots, so that transactions that count at the same time seldom wait for each other; it is the sum of them.
import type { Counts } from '../contract-operator.ts'
import type { Queries } from './database.ts'
import { statements } from './statements.ts'

const SLOTS = 16

export type Counted =
  | 'users'
  | 'gateways.cpns'
  | 'gateways.radius'
  | 'gateways.revoked'
  | 'pnes.pending'
  | 'pnes.active'
  | 'pnes.revoked'
  | 'registered'

type Differences = { readonly [Name in Counted]?: number }

/** A transaction that changes how many there are. */
export interface Change extends Queries {
  count(differences: Differences): void
}

const sql = statements('counts', {
  add: `
    INSERT INTO counts (name, slot, n) SELECT c.name, $3, c.n FROM unnest($1::text[], $2::bigint[]) AS c (name, n)
    ORDER BY c.name ON CONFLICT (name, slot) DO UPDATE SET n = counts.n + excluded.n`,
  all: 'SELECT name, sum(n) AS n FROM counts GROUP BY name',
})

/** Writes down what `work` counts, at its very end: others wait for the slot until the transaction ends. */
export async function counting<T>(transaction: Queries, work: (change: Change) => Promise<T>): Promise<T> {
  const sums = new Map<string, number>()
  const count = (differences: Differences) => {
    for (const [name, n] of Object.entries(differences)) sums.set(name, (sums.get(name) ?? 0) + n)
  }
  const result = await work({ ...transaction, count })
  const changed = [...sums].filter(([, n]) => n !== 0)
  if (changed.length > 0) {
    const slot = Math.floor(Math.random() * SLOTS)
    await transaction.run(sql.add, [changed.map(([name]) => name), changed.map(([, n]) => n), slot])
  }
  return result
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
