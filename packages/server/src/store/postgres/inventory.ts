// The inventory of PNEs as a list: newest first or, with a query, by the words of display names. Where an index cannot answer
// a query alone, PNEs are looked at in parts of a thousand, and no more than ten such parts in a call.
import { type Page, type PageRequest, type PneFilter, type PneRow, StoreError } from '../contract.ts'
import { ABOVE_ALL, firstWord, isStoredWord, matches, matchesName, parseQuery, type Query } from '../words.ts'
import type { Queries } from './database.ts'
import { Conditions, statements } from './statements.ts'

const PART = 1000
const LOOK_MAX = 10_000
/** Up to so many PNEs of a user or a gateway are looked through whole: that costs less than the words may. */
const FEW = 2000

const pne = (which: string) => `
  SELECT p.id, p.pne_id AS "pneId", k.second_seed AS "secondSeed", p.state, p.name, p.user_id AS "userId", u.name AS user,
         k.generation, k.created_at AS "keyCreatedAt", g.identity AS gateway, p.created_at AS "createdAt",
         p.confirmed_at AS "confirmedAt", p.revoked_at AS "revokedAt"
  FROM (${which}) p JOIN users u ON u.id = p.user_id JOIN gateways g ON g.id = p.gateway_id
  JOIN LATERAL (
    SELECT second_seed, generation, created_at FROM keys WHERE pne_id = p.pne_id
    ORDER BY (state = 'active') DESC, generation DESC, created_at DESC LIMIT 1
  ) k ON true`

const sql = statements('inventory', {
  find: pne('SELECT * FROM pnes WHERE pne_id = $1'),
  match: `${pne(`
    SELECT * FROM pnes WHERE id IN (
      SELECT id FROM pnes WHERE name = $1 UNION
      SELECT id FROM pnes WHERE pne_id >= $1 AND pne_id < $1 || '~'
    ) ORDER BY id LIMIT $2`)} ORDER BY p.id`,
  ofIds: pne('SELECT * FROM pnes WHERE id = ANY($1::bigint[])'),
  user: 'SELECT id FROM users WHERE name = $1',
  gateway: 'SELECT id FROM gateways WHERE identity = $1',
  byWord: `
    SELECT p.id, p.pne_id AS "pneId", p.name, p.state, p.user_id AS "userId", p.gateway_id AS "gatewayId", w.word
    FROM pne_words w JOIN pnes p ON p.id = w.pne
    WHERE (w.word, w.pne) > ($1, $2) AND w.word >= $3 AND w.word < $4 ORDER BY w.word, w.pne LIMIT $5`,
  byPneId: `
    SELECT p.id, p.pne_id AS "pneId", p.name, p.state, p.user_id AS "userId", p.gateway_id AS "gatewayId", '' AS word
    FROM pnes p WHERE p.pne_id > $1 AND p.pne_id >= $2 AND p.pne_id < $3 ORDER BY p.pne_id LIMIT $4`,
})

type Found = PneRow & { id: number }

/** What {@link Store.findPne} gives. */
export async function findPne(reads: Queries, pneId: string): Promise<PneRow | undefined> {
  const found = await reads.first<Found>(sql.find, [pneId])
  return found && pneRow(found)
}

/** What {@link Store.matchPnes} gives. */
export async function matchPnes(reads: Queries, reference: string, limit: number): Promise<PneRow[]> {
  return (await reads.all<Found>(sql.match, [reference, limit])).map(pneRow)
}

/** Where a list goes on: after this PNE in the order of creation, of words, or of pneIds. */
type Position = { by: 'newest'; id: number } | { by: 'word'; word: string; id: number } | { by: 'pneId'; pneId: string }

/** The filter by numbers of rows. */
interface Search {
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
  reads: Queries,
  filter: PneFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<PneRow>> {
  const continued = cursor === undefined ? undefined : readPosition(cursor, filter.query !== undefined)
  const search = await resolve(reads, filter)
  if (search === undefined) return { items: [], next: null }
  let position = continued ?? (await begin(reads, search))
  const found: number[] = []

  for (let looked = 0; looked < LOOK_MAX; ) {
    const size = search.query === undefined || looked === 0 ? limit + 1 : PART
    const part = await candidates(reads, search, position, size)
    for (const candidate of part) {
      if (isListed(candidate, search, position.by)) {
        if (found.length === limit) return publish(reads, found, position)
        found.push(candidate.id)
      }
      position = placeOf(candidate, position.by)
    }
    if (part.length < size && position.by !== 'word') return publish(reads, found)
    if (part.length < size) position = { by: 'pneId', pneId: '' }
    looked += part.length
  }
  return publish(reads, found, position)
}

/** Undefined when it names somebody who is not there. */
async function resolve(reads: Queries, { state, user, gateway, query }: PneFilter): Promise<Search | undefined> {
  const idOf = async (statement: (typeof sql)['user'], name: string | undefined) =>
    name === undefined ? undefined : ((await reads.first<{ id: number }>(statement, [name]))?.id ?? null)
  const [userId, gatewayId] = await Promise.all([idOf(sql.user, user), idOf(sql.gateway, gateway)])
  if (userId === null || gatewayId === null) return undefined
  return { state, userId, gatewayId, query: query === undefined ? undefined : parseQuery(query) }
}

async function begin(reads: Queries, search: Search): Promise<Position> {
  const newest = { by: 'newest', id: Number.MAX_SAFE_INTEGER } as const
  if (search.query === undefined || (await isFew(reads, search))) return newest
  return search.query.words.length > 0 ? { by: 'word', word: '', id: 0 } : { by: 'pneId', pneId: '' }
}

async function isFew(reads: Queries, search: Search): Promise<boolean> {
  const { userId, gatewayId, state } = search
  if (userId === undefined && gatewayId === undefined && (state === undefined || state === 'active')) return false
  const [statement, values] = conditionsOf(search).statement(
    'inventory.few',
    (where, last) => `SELECT count(*) AS n FROM (SELECT 1 FROM pnes p ${where} LIMIT ${last}) few`,
    FEW,
  )
  const counted = await reads.first<{ n: number }>(statement, values)
  return (counted?.n ?? FEW) < FEW
}

function conditionsOf({ state, userId, gatewayId }: Search): Conditions {
  return new Conditions()
    .addGiven('state', 'p.state = ?', state)
    .addGiven('user', 'p.user_id = ?', userId)
    .addGiven('gateway', 'p.gateway_id = ?', gatewayId)
}

function candidates(reads: Queries, search: Search, from: Position, size: number): Promise<Candidate[]> {
  const { query } = search
  if (from.by === 'newest') return newestCandidates(reads, search, from.id, size)
  if (from.by === 'pneId') {
    const beginning = query?.id ?? ''
    if (beginning === '') return Promise.resolve([])
    return reads.all(sql.byPneId, [from.pneId, beginning, beginning + ABOVE_ALL, size])
  }
  const beginning = query?.words[0] ?? ''
  return reads.all(sql.byWord, [from.word, from.id, beginning, beginning + ABOVE_ALL, size])
}

function newestCandidates(reads: Queries, search: Search, before: number, size: number): Promise<Candidate[]> {
  const [statement, values] = conditionsOf(search)
    .add('before', 'p.id < ?', before)
    .statement(
      'inventory.newest',
      (where, last) => `
      SELECT p.id, p.pne_id AS "pneId", p.name, p.state, p.user_id AS "userId", p.gateway_id AS "gatewayId", '' AS word
      FROM pnes p ${where} ORDER BY p.id DESC LIMIT ${last}`,
      size,
    )
  return reads.all(statement, values)
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

/** Rows of those that are still there, in their order. */
async function publish(reads: Queries, ids: readonly number[], next?: Position): Promise<Page<PneRow>> {
  const rows = ids.length === 0 ? [] : await reads.all<Found>(sql.ofIds, [ids])
  const byId = new Map(rows.map((row) => [row.id, row]))
  const items = ids.map((id) => byId.get(id)).filter((row) => row !== undefined)
  return { items: items.map(pneRow), next: next === undefined ? null : writePosition(next) }
}

/** Without the number by which the inventory is ordered: that is the store's own affair. */
function pneRow({ id, ...pne }: Found): PneRow {
  return pne
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
