// The log of changes, by which servers that share the database keep up with each other. Its numbers are given out as those of
// the revocation log, and without gaps.
import { CHANGES_KEPT, type ChangeRow } from '../contract-changes.ts'
import type { Queries } from './database.ts'
import { statements } from './statements.ts'

const sql = statements('changes', {
  append: `
    WITH counter AS (UPDATE counters SET value = value + $3 WHERE name = 'changes' RETURNING value),
    trimmed AS (
      DELETE FROM changes
      WHERE seq > (SELECT value FROM counter) - $3 - $4 AND seq <= (SELECT value FROM counter) - $4
    )
    INSERT INTO changes (seq, kind, subject)
    SELECT counter.value - $3 + c.n, c.kind, c.subject
    FROM counter, unnest($1::text[], $2::text[]) WITH ORDINALITY AS c (kind, subject, n)`,
  since: 'SELECT seq, kind, subject FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2',
  newest: `
    SELECT (SELECT coalesce(max(seq), 0) FROM revocations) AS revocation,
           (SELECT coalesce(max(seq), 0) FROM changes) AS change`,
})

export async function appendChanges(transaction: Queries, changes: readonly Omit<ChangeRow, 'seq'>[]): Promise<void> {
  const kept = changes.slice(-CHANGES_KEPT)
  if (kept.length === 0) return
  const values = [kept.map(({ kind }) => kind), kept.map(({ subject }) => subject), kept.length, CHANGES_KEPT]
  await transaction.run(sql.append, values)
}

/** What {@link ChangeStore.changesSince} gives. */
export function changesSince(reads: Queries, seq: number, limit: number): Promise<ChangeRow[]> {
  return reads.all(sql.since, [seq, limit])
}

/** What {@link ChangeStore.newestLines} gives. */
export async function newestLines(reads: Queries): Promise<{ revocation: number; change: number }> {
  return (await reads.first<{ revocation: number; change: number }>(sql.newest)) ?? { revocation: 0, change: 0 }
}
