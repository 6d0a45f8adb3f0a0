// Between what node:sqlite gives and the row types of the contract.
import {
  type GatewayRow,
  type GatewaySecretRow,
  type ListedGatewayRow,
  type Page,
  type PneRow,
  StoreError,
} from '../contract.ts'
import { ABOVE_ALL } from '../words.ts'

/** A row that must be there: it was written or found in the same transaction. */
export function row<T>(found: unknown): T {
  if (found === undefined) throw new TypeError('a row is missing that was there a moment ago')
  return found as T
}

/** SQLite has no booleans. */
export function gatewayRow<T extends GatewayRow | GatewaySecretRow = GatewayRow>(found: unknown): T | undefined {
  if (found === undefined) return undefined
  const gateway = found as T
  return { ...gateway, visitors: Boolean(gateway.visitors) }
}

export function listedGatewayRow(found: Record<string, unknown>): ListedGatewayRow {
  return { ...(found as unknown as ListedGatewayRow), visitors: Boolean(found['visitors']) }
}

/** The names that begin so, after the last one of the page before. */
export function beginning(query: string, cursor: string): { after: string; beginning: string; end: string } {
  return { after: cursor, beginning: query, end: query + ABOVE_ALL }
}

/** Without the number by which the inventory is ordered: that is the store's own affair. */
export function pneRow(found: Record<string, unknown> | undefined): PneRow | undefined {
  if (found === undefined) return undefined
  const { id, ...pne } = found
  return pne as unknown as PneRow
}

/** A page of `limit` rows out of up to `limit + 1`: the surplus one only tells that there is another page. */
export function page<T>(found: T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: found.length > limit && last !== undefined ? cursorOf(last) : null }
}

/** A cursor of the inventory: the number of the last row of the page before, in decimal. */
export function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER
  if (/^[1-9][0-9]{0,14}$/.test(cursor)) return Number(cursor)
  throw new StoreError('STORE_CURSOR_INVALID', 'the cursor is not one of this list: begin again without a cursor')
}

export function* inBatches<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = []
  for (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
