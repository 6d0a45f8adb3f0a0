// Between what node:sqlite gives and the row types of the contract.
import type { GatewayRow, GatewaySecretRow, ListedGatewayRow, PneRow } from '../contract.ts'
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
