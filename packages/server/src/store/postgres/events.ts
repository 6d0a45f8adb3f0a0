// The event log. Its numbers come from a counter, as those of the revocation log, so that who follows it misses none.
import type { EventFilter, EventRow, NewEventRow } from '../contract.ts'
import type { Queries } from './database.ts'
import { Conditions, statements } from './statements.ts'

/** Of one session at one gateway: a gateway may name one again and again. */
const LINES_OF_A_SESSION = 8

const event = `
  SELECT id, at, type, result, reason, pne_id AS "pneId", gateway, "user", "case", ms, session, steps, facts FROM events`

const sql = statements('events', {
  append: `
    WITH counter AS (UPDATE counters SET value = value + $14 WHERE name = 'events' RETURNING value),
    added AS (
      INSERT INTO events (id, at, type, result, reason, pne_id, gateway, "user", "case", ms, session, steps, facts)
      SELECT counter.value - $13 + e.n, e.at, e.type, e.result, e.reason, e.pne_id, e.gateway, e.usr, e.which, e.ms,
             e.session, e.steps, e.facts
      FROM counter, unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                           $8::text[], $9::double precision[], $10::text[], $11::text[], $12::text[])
        WITH ORDINALITY AS e (at, type, result, reason, pne_id, gateway, usr, which, ms, session, steps, facts, n)
    ),
    trimmed AS (
      DELETE FROM events WHERE id > $15 AND id <= (SELECT value FROM counter) - $16
    )
    SELECT value FROM counter`,
  find: `${event} WHERE id = $1`,
  ofSessions: `${event} JOIN (
      SELECT id AS found, row_number() OVER (PARTITION BY session, gateway ORDER BY id) AS line
      FROM events WHERE session = ANY($1::text[])
    ) AS lines ON found = id WHERE line <= ${LINES_OF_A_SESSION} ORDER BY id`,
})

/** Appends, and removes what is too old. One object for each process: it remembers what it has removed already. */
export class EventAppender {
  /** Up to this number nothing is left: the database need not walk over what it has not swept up yet. */
  #trimmedTo = 0

  /** What {@link Store.appendEvents} does. */
  async append(changes: Queries, events: readonly NewEventRow[], keep: number): Promise<number[]> {
    if (events.length === 0) return []
    const kept = events.slice(-keep)
    const column = <Name extends keyof NewEventRow>(name: Name) => kept.map((each) => each[name])
    const columns = [
      ...[column('at'), column('type'), column('result'), column('reason'), column('pneId'), column('gateway')],
      ...[column('user'), column('case'), column('ms'), column('session'), column('steps'), column('facts')],
    ]
    const values = [...columns, kept.length, events.length, this.#trimmedTo, keep]
    const newest = (await changes.first<{ value: number }>(sql.append, values))?.value ?? 0
    this.#trimmedTo = Math.max(this.#trimmedTo, newest - keep)
    return events.map((_, at) => newest - events.length + 1 + at)
  }
}

export function findEvent(reads: Queries, id: number): Promise<EventRow | undefined> {
  return reads.first(sql.find, [id])
}

/** What {@link Store.listEvents} gives. */
export function listEvents(reads: Queries, filter: EventFilter): Promise<EventRow[]> {
  const { limit, before, above, since, type, result, case: which, pneId, gateway, session } = filter
  const conditions = new Conditions()
    .addGiven('before', 'id < ?', before)
    .addGiven('above', 'id > ?', above)
    .addGiven('since', 'at >= ?', since)
    .addGiven('type', 'type = ?', type)
    .addGiven('result', 'result = ?', result)
    .addGiven('case', '"case" = ?', which)
    .addGiven('pne', 'pne_id = ?', pneId)
    .addGiven('gateway', 'gateway = ?', gateway)
    .addGiven('session', 'session = ?', session)
  // This is what the index of the rare types is made for.
  if (type !== undefined && type !== 'authentication') conditions.add('rare', "type <> 'authentication'")
  return reads.all(
    ...conditions.statement('events.list', (where, last) => `${event} ${where} ORDER BY id DESC LIMIT ${last}`, limit),
  )
}

/** What {@link Store.eventsOfSessions} gives. */
export function eventsOfSessions(reads: Queries, sessions: readonly string[]): Promise<EventRow[]> {
  return reads.all(sql.ofSessions, [sessions])
}
