// A data folder looked at without changing anything in it, while a server runs or not: for whoever looks for what is wrong.
import { stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { sqliteFile } from '../store/open.ts'
import { toStoreError } from '../store/sqlite/errors.ts'
import { checkOurs, NEWEST_SCHEMA } from '../store/sqlite/migrations.ts'
import { readAdminToken } from './admin-access.ts'
import { type KeyState, MASTER_KEY_CLAIM, stateOfKey } from './check-value.ts'
import { hasNextMasterKey, readMasterKey } from './master-key.ts'
import { readServerFile } from './server-file.ts'

const BUSY_TIMEOUT_MS = 2000

export interface FolderFacts {
  readonly realm: string
  readonly store: 'sqlite' | 'postgres'
  /** A change of the master key was cut off: the next start of the server finishes it. */
  readonly isKeyChanging: boolean
  /** Of the store in the folder; null where that is a PostgreSQL database. */
  readonly database: DatabaseFacts | null
}

interface DatabaseFacts {
  readonly octets: number
  readonly schema: number
  /** The schema that this version brings it to. */
  readonly newestSchema: number
  /** Whether the master key in the folder is the key of the database. */
  readonly key: KeyState
  /** `ok`, or the first thing that SQLite finds wrong. */
  readonly integrity: string
}

/**
 * Reads the database from end to end, some ms for each MiB.
 * @throws {DataFolderError} DATA_FOLDER_*, MASTER_KEY_*, ADMIN_TOKEN_UNUSABLE @throws {StoreError}
 */
export async function examineDataFolder(dir: string): Promise<FolderFacts> {
  const { realm, store = 'sqlite' } = await readServerFile(dir)
  const vault = await readMasterKey(dir)
  await readAdminToken(dir)
  const database = store === 'sqlite' ? await examineDatabase(sqliteFile(dir), vault.checkValue()) : null
  return { realm, store, isKeyChanging: await hasNextMasterKey(dir), database }
}

async function examineDatabase(path: string, checkValue: Uint8Array): Promise<DatabaseFacts> {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
    checkOurs(db)
    const first = (sql: string) => Object.values(db?.prepare(sql).get() ?? {})[0]
    const written = first(`SELECT value FROM claims WHERE name = '${MASTER_KEY_CLAIM}'`)
    return {
      octets: (await stat(path)).size,
      schema: Number(first('PRAGMA user_version')),
      newestSchema: NEWEST_SCHEMA,
      key: stateOfKey(written instanceof Uint8Array ? written : new Uint8Array(0), checkValue),
      integrity: String(first('PRAGMA integrity_check(1)')),
    }
  } catch (error) {
    throw toStoreError(error)
  } finally {
    db?.close()
  }
}
