// A transaction that changes something which is counted, or which other servers must learn of. Both are gathered while it goes
// on and written at its very end: others who write them wait from there until the transaction ends.
import type { ChangeRow } from '../contract-changes.ts'
import { appendChanges } from './changes.ts'
import { type Differences, writeCounts } from './counts.ts'
import type { Queries } from './database.ts'

type Noted = Omit<ChangeRow, 'seq'>

export interface Change extends Queries {
  /** Adds to the numbers of what there is. */
  count(differences: Differences): void
  /** Appends to the log of changes. */
  note(kind: Noted['kind'], subject: string): void
}

/** Runs `work`, then writes down what it counted and noted. */
export async function changing<T>(transaction: Queries, work: (change: Change) => Promise<T>): Promise<T> {
  const sums = new Map<string, number>()
  const noted: Noted[] = []
  const result = await work({
    ...transaction,
    count(differences) {
      for (const [name, n] of Object.entries(differences)) sums.set(name, (sums.get(name) ?? 0) + n)
    },
    note(kind, subject) {
      noted.push({ kind, subject })
    },
  })
  await appendChanges(transaction, noted)
  await writeCounts(transaction, sums)
  return result
}
