// Pages of lists, alike in every store.
import { type Page, StoreError } from './contract.ts'

/** A page of `limit` rows out of up to `limit + 1`: the surplus one only tells that there is another page. */
export function page<T>(found: T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: found.length > limit && last !== undefined ? cursorOf(last) : null }
}

/** A cursor of a list by number: that of the last row of the page before, in decimal. */
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
