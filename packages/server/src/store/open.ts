// Which store a server has: SQLite in its data folder, or a PostgreSQL database that several servers share.
import { join } from 'node:path'
import type { Logger } from '@opencpns/io'
import { type Store, StoreError } from './contract.ts'
import { PostgresAddress } from './postgres/address.ts'
import { openPostgres } from './postgres/open.ts'
import { openSqlite } from './sqlite/open.ts'

export type StoreAddress = 'sqlite' | PostgresAddress

/**
 * @param text  `sqlite`, or postgres://USER:PASSWORD@HOST:PORT/DATABASE
 * @throws {StoreError} STORE_ADDRESS_INVALID, without the text: it may hold a password
 */
export function parseStoreAddress(text: string): StoreAddress {
  if (text === 'sqlite') return text
  if (/^postgres(ql)?:\/\//.test(text)) return new PostgresAddress(text)
  throw new StoreError('STORE_ADDRESS_INVALID', 'a store is sqlite, or postgres://USER@HOST:PORT/DATABASE')
}

/** @throws {StoreError} as {@link openSqlite} and {@link openPostgres} */
export async function openStore(
  address: StoreAddress,
  of: { dir: string; logger?: Logger | undefined },
): Promise<Store> {
  return address === 'sqlite' ? openSqlite(sqliteFile(of.dir)) : openPostgres(address, of)
}

/** Where the SQLite store of a data folder is. */
export function sqliteFile(dir: string): string {
  return join(dir, 'cpns.db')
}
