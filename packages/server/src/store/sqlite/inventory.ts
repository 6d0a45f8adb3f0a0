// The inventory of PNEs as a list: newest first or, with a query, by the words of display names. A list is read in parts of
// a thousand PNEs, between which others have the event loop; a call looks at ten of them at most.
import { type Page, type PageRequest, type PneFilter, type PneRow, StoreError } from '../contract.ts'
import { ABOVE_ALL, firstWord, isStoredWord, matches, matchesName, parseQuery, type Query } from '../words.ts'
import type { Connection, Parameters } from './connection.ts'
import { pneRow } from './rows.ts'

const PART = 1000
/** PNEs that a call looks at, if they fit so seldom; on a slow disk as many as it can in that time, but so many at least. */
const LOOK_MAX = 10_000
const LOOK_MAX_MS = 100
const LOOK_MIN = 2000
/** Up to so many PNEs of a user or a gateway are looked through whole: that costs less than the words may. */
const FEW = 2000

/** Where a list goes on: after this PNE in the order of creation, of words, or of pneIds. */
type Position = { by: 'newest'; id: number } | { by: 'word'; word: string; id: number } | { by: 'pneId'; pneId: string }

interface Search {
  parameters: Parameters
  state: string | undefined
  userId: number | undefined
  gatewayId: number | undefined
  query: Query | undefined
}

interface Candidate {
  id: number
  pneId: string
  name: string | null
  state: string
  userId: number
  gatewayId: number
  /** By which it was found. */
  word: string
}

/** What {@link Store.listPnes} does. */
export async function listPnes(
  connection: Connection,
  filter: PneFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<PneRow>> {
  const continued = cursor === undefined ? undefined : readPosition(cursor, filter.query !== undefined)
  const search = await connection.read(() => resolve(connection, filter))
  if (search === undefined) return { items: [], next: null }
  const way = await connection.read(() => findWay(connection, search))
  let position = continued ?? begin(search, way)
  const found: number[] = []

  const until = performance.now() + LOOK_MAX_MS
  for (let looked = 0; looked < LOOK_MIN || (looked < LOOK_MAX && performance.now() < until); ) {
    const size = way.isExact || looked === 0 ? limit + 1 : PART
    const from = position
    const part = await connection.read(() => candidates(connection, search, way, from, size))
    for (const candidate of part) {
      if (isListed(candidate, search, position.by)) {
        if (found.length === limit) return publish(connection, found, position)
        found.push(candidate.id)
      }
      position = placeOf(candidate, position.by)
    }
    if (part.length < size && position.by !== 'word') return publish(connection, found)
    if (part.length < size) position = { by: 'pneId', pneId: '' }
    looked += part.length
    await connection.pause()
  }
  return publish(connection, found, position)
}

/** The filter by numbers of rows; undefined when it names somebody who is not there. */
function resolve({ statements }: Connection, { state, user, gateway, query }: PneFilter): Search | undefined {
  const userId = user === undefined ? undefined : (statements.findUserId.get(user)?.['id'] as number | undefined)
  const gatewayId =
    gateway === undefined ? undefined : (statements.findGatewayId.get(gateway)?.['id'] as number | undefined)
  if ((user !== undefined && userId === undefined) || (gateway !== undefined && gatewayId === undefined))
    return undefined
  const parsed = query === undefined ? undefined : parseQuery(query)
  return { parameters: { userId, gatewayId }, state, userId, gatewayId, query: parsed }
}

/** How the PNEs are had in the order of creation. */
interface Way {
  /** What an index restricts them to. */
  condition: string
  isFew: boolean
  /** Nothing is left to be looked at. */
  isExact: boolean
}

/** Of the conditions that have an index, the one that fewest PNEs fulfil. Active is what nearly all are. */
function findWay(connection: Connection, { state, userId, gatewayId, query, parameters }: Search): Way {
  const conditions: string[] = []
  if (gatewayId !== undefined) conditions.push('p.gateway_id = :gatewayId')
  if (userId !== undefined) conditions.push('p.user_id = :userId')
  if (state === 'pending' || state === 'revoked') conditions.push(`p.state = '${state}'`)
  const isExact = query === undefined && state !== 'active' && conditions.length < 2
  if (isExact) return { condition: conditions[0] ?? 'true', isFew: false, isExact }
  const counted = conditions.map((condition) => {
    const sql = `SELECT count(*) AS count FROM (SELECT 1 FROM pnes p WHERE ${condition} LIMIT ${FEW})`
    const [row] = connection.list(sql, usedBy(condition, parameters))
    return { condition, count: Number(row?.['count']) }
  })
  const [fewest] = counted.sort((a, b) => a.count - b.count)
  return { condition: fewest?.condition ?? 'true', isFew: fewest !== undefined && fewest.count < FEW, isExact }
}

function begin({ query }: Search, { isFew }: Way): Position {
  if (query === undefined || isFew) return { by: 'newest', id: Number.MAX_SAFE_INTEGER }
  return query.words.length > 0 ? { by: 'word', word: '', id: 0 } : { by: 'pneId', pneId: '' }
}

const columns = 'p.id, p.pne_id AS pneId, p.name, p.state, p.user_id AS userId, p.gateway_id AS gatewayId'

function candidates(
  connection: Connection,
  { query, parameters }: Search,
  { condition }: Way,
  from: Position,
  size: number,
): Candidate[] {
  const list = (sql: string, more: Parameters) =>
    connection.list(`${sql} LIMIT :size`, { ...more, size }) as unknown as Candidate[]
  if (from.by === 'newest') {
    const sql = `SELECT ${columns}, '' AS word FROM pnes p WHERE p.id < :before AND ${condition} ORDER BY p.id DESC`
    return list(sql, { ...usedBy(condition, parameters), before: from.id })
  }
  const beginning = (from.by === 'word' ? query?.words[0] : query?.id) ?? ''
  const end = beginning + ABOVE_ALL
  if (beginning === '') return []
  if (from.by === 'pneId') {
    const sql = `
      SELECT ${columns}, '' AS word FROM pnes p
      WHERE p.pne_id >= :from AND p.pne_id <> :after AND p.pne_id < :end ORDER BY p.pne_id`
    return list(sql, { from: later(from.pneId, beginning), after: from.pneId, end })
  }
  const sql = `
    SELECT ${columns}, w.word FROM pne_words w JOIN pnes p ON p.id = w.pne
    WHERE (w.word, w.pne) > (:word, :id) AND w.word < :end ORDER BY w.word, w.pne`
  const word = later(from.word, beginning)
  return list(sql, { word, id: word === from.word ? from.id : 0, end })
}

/** As SQLite compares text: by code points. */
function later(a: string, b: string): string {
  return Buffer.from(a).compare(Buffer.from(b)) > 0 ? a : b
}

function isListed(candidate: Candidate, { state, userId, gatewayId, query }: Search, by: Position['by']): boolean {
  if (state !== undefined && candidate.state !== state) return false
  if (userId !== undefined && candidate.userId !== userId) return false
  if (gatewayId !== undefined && candidate.gatewayId !== gatewayId) return false
  if (query === undefined) return true
  if (by === 'newest') return matches(query, candidate)
  const isNamed = matchesName(query, candidate.name)
  // By its words a PNE is listed once, by its pneId only when its words did not do it.
  return by === 'pneId' ? !isNamed : isNamed && candidate.word === firstWord(query.words[0] ?? '', candidate.name)
}

function placeOf({ id, pneId, word }: Candidate, by: Position['by']): Position {
  return by === 'newest' ? { by, id } : by === 'word' ? { by, word, id } : { by, pneId }
}

/** Rows of those that are still there. */
function publish(connection: Connection, found: readonly number[], next?: Position): Promise<Page<PneRow>> {
  return connection.read(({ findPneById }) => {
    const items = found.map((id) => pneRow(findPneById.get(id))).filter((item) => item !== undefined)
    return { items, next: next === undefined ? null : writePosition(next) }
  })
}

function usedBy(condition: string, { userId, gatewayId }: Parameters): Parameters {
  return { ...(condition.includes(':userId') && { userId }), ...(condition.includes(':gatewayId') && { gatewayId }) }
}

function writePosition(position: Position): string {
  if (position.by === 'newest') return String(position.id)
  if (position.by === 'pneId') return `i${position.pneId}`
  return `w${position.id}.${Buffer.from(position.word).toString('base64url')}`
}

function readPosition(cursor: string, isQuery: boolean): Position {
  const [, newest, id, word, pneId] =
    /^(?:([1-9]\d{0,14})|w(\d{1,15})\.([\w-]{0,256})|i([\w-]{0,64}))$/.exec(cursor) ?? []
  if (newest !== undefined) return { by: 'newest', id: Number(newest) }
  const text = word === undefined ? undefined : Buffer.from(word, 'base64url').toString()
  if (isQuery && text !== undefined && isStoredWord(text)) return { by: 'word', id: Number(id), word: text }
  if (isQuery && pneId !== undefined) return { by: 'pneId', pneId }
  throw new StoreError('STORE_CURSOR_INVALID', 'the cursor is not one of this list: begin again without a cursor')
}
