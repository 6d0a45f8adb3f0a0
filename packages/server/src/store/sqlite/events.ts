// The event log. It is read in parts, newest first, between which others have the event loop: most filters have no index,
// for that would cost each authentication more than it saves the operator.
import type { EventFilter, EventRow, NewEventRow } from '../contract.ts'
import type { Connection, Parameters } from './connection.ts'
import type { Statements } from './statements.ts'

/** Events in one part of a long read: it takes a ms or two. */
const PART = 5000
/** Of one session at one gateway, which names it, and may name it again and again. */
const LINES = 8
/** Events are written some time after they happened, and by several processes. */
const OUT_OF_ORDER_MS = 60_000

/** What {@link Store.appendEvents} does, inside a transaction. */
export function appendEvents(
  { appendEvent, appendEventDetails, trimEvents, trimEventDetails }: Statements,
  events: readonly NewEventRow[],
  keep: number,
): number[] {
  const ids = events.map((event) => {
    const { at, type, result, reason, pneId, gateway, user, case: which, ms, session, steps, facts } = event
    const { lastInsertRowid } = appendEvent.run(at, type, result, reason, pneId, gateway, user, which, ms, session)
    if (steps !== null || facts !== null) appendEventDetails.run(lastInsertRowid, steps, facts)
    return Number(lastInsertRowid)
  })
  trimEvents.run(keep)
  trimEventDetails.run(keep)
  return ids
}

/** What {@link Store.listEvents} does. */
export async function listEvents(connection: Connection, { limit, before, above, ...filter }: EventFilter) {
  const { oldest, newest } = await range(connection)
  const from = Math.max(oldest, (above ?? 0) + 1)
  const found: EventRow[] = []
  for (let to = Math.min(before ?? newest + 1, newest + 1); to > from && found.length < limit; to -= PART) {
    const part = { from: Math.max(from, to - PART), before: to }
    found.push(...(await connection.read(() => list(connection, { ...filter, ...part, limit: limit - found.length }))))
    if (filter.since !== undefined && (await isOlder(connection, part.from, filter.since - OUT_OF_ORDER_MS))) break
    await connection.pause()
  }
  return found
}

/** What {@link Store.eventsOfSessions} does. */
export async function eventsOfSessions(connection: Connection, sessions: readonly string[]): Promise<EventRow[]> {
  const { oldest, newest } = await range(connection)
  const found: EventRow[] = []
  const isAmongFirst = firstOfEach()
  const sql = `${event} WHERE e.id >= :from AND e.id < :before AND e.session IN (SELECT value FROM json_each(:sessions))`
  for (let from = oldest; sessions.length > 0 && from <= newest; from += PART) {
    const parameters = { from, before: from + PART, sessions: JSON.stringify(sessions) }
    const part = await connection.read(() => connection.list(`${sql} ORDER BY e.id`, parameters))
    found.push(...(part as unknown as EventRow[]).filter(isAmongFirst))
    await connection.pause()
  }
  return found
}

/** Tells of lines that come in their order whether they are among the first of their session at its gateway. */
function firstOfEach(): (row: EventRow) => boolean {
  const lines = new Map<string, number>()
  return ({ gateway, session }) => {
    const of = `${gateway} ${session}`
    const line = (lines.get(of) ?? 0) + 1
    lines.set(of, line)
    return line <= LINES
  }
}

export const event = `
  SELECT e.id, e.at, e.type, e.result, e.reason, e.pne_id AS pneId, e.gateway, e.user, e."case", e.ms, e.session,
         d.steps, d.facts
  FROM events e LEFT JOIN event_details d ON d.id = e.id`

const columnOf = {
  type: 'e.type',
  result: 'e.result',
  case: 'e."case"',
  pneId: 'e.pne_id',
  gateway: 'e.gateway',
  session: 'e.session',
} as const

type Part = Omit<EventFilter, 'before' | 'above'> & { from: number; before: number }

function list(connection: Connection, { from, before, limit, since, ...filter }: Part): EventRow[] {
  const conditions = ['e.id < :before', 'e.id >= :from']
  const parameters: Parameters = { from, before, limit, since }
  for (const [name, column] of Object.entries(columnOf)) {
    const value = filter[name as keyof typeof columnOf]
    if (value === undefined) continue
    conditions.push(`${column} = :${name}`)
    parameters[name] = value
  }
  if (since !== undefined) conditions.push('e.at >= :since')
  // This is what the index of the rare types is made for.
  if (filter.type !== undefined && filter.type !== 'authentication') conditions.push("e.type <> 'authentication'")
  const sql = `${event} WHERE ${conditions.join(' AND ')} ORDER BY e.id DESC LIMIT :limit`
  return connection.list(sql, parameters) as unknown as EventRow[]
}

function range(connection: Connection): Promise<{ oldest: number; newest: number }> {
  return connection.read(({ eventRange }) => eventRange.get() as { oldest: number; newest: number })
}

function isOlder(connection: Connection, id: number, time: number): Promise<boolean> {
  return connection.read(({ findEvent }) => Number(findEvent.get(id)?.['at'] ?? Number.POSITIVE_INFINITY) < time)
}
