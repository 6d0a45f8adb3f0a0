// The store in a PostgreSQL database: for several servers at once, and for what one disk should not be the only one to hold.
import type { Logger } from '@opencpns/io'
import type { Store } from '../contract.ts'
import type { PostgresAddress } from './address.ts'
import { Database } from './database.ts'
import { migrate } from './migrate.ts'
import { PostgresStore } from './store.ts'

/**
 * Opens the store, creates its tables if they are missing, and brings an older schema up to date. From then on it lives with
 * whatever becomes of the database: what is asked meanwhile is refused as `STORE_BUSY`.
 * @throws {StoreError} `STORE_UNREACHABLE`, `STORE_REFUSED`, `STORE_NEWER`, `STORE_NOT_OURS`, `STORE_BUSY`, `STORE_FAILED`
 */
export async function openPostgres(
  address: PostgresAddress,
  { logger }: { logger?: Logger | undefined } = {},
): Promise<Store> {
  await migrate(address)
  return new PostgresStore(new Database(address, { logger }))
}
