// Brings the schema up to date, whoever comes first: several processes may start at once, and one may die in the middle.
// The lock is a row, not an advisory lock: every PostgreSQL-compatible database has rows.
import pg from 'pg'
import { StoreError } from '../contract.ts'
import type { PostgresAddress } from './address.ts'
import { PostgresError, toOpeningError, toPostgresError } from './errors.ts'
import { steps } from './schema.ts'
import { types } from './values.ts'

const CONNECT_MS = 5000
/** A step may rewrite a large table, and another process may wait for it. */
const STEP_MS = 600_000
/** Two that create the same table at once are in each other's way, whatever `IF NOT EXISTS` says. */
const ATTEMPTS = 10

/**
 * @param options.isFilling  this is who fills the database with another store
 * @throws {StoreError} `STORE_UNREACHABLE`, `STORE_REFUSED`; `STORE_NEWER`, `STORE_NOT_OURS`, `STORE_INCOMPLETE`: the database
 *   is unchanged
 */
export async function migrate(address: PostgresAddress, { isFilling = false } = {}): Promise<void> {
  const client = new pg.Client({
    ...address.connection(),
    types,
    application_name: 'opencpns',
    connectionTimeoutMillis: CONNECT_MS,
  })
  client.on('error', () => undefined) // the query that is under way tells it
  try {
    await client.connect()
    await client.query(`SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false)`, [
      `${STEP_MS}ms`,
    ])
    await checkDatabase(client)
    const { version, transfer } = await readState(client)
    if (transfer !== null && !isFilling) {
      throw new StoreError(
        'STORE_INCOMPLETE',
        'another store is being moved here: finish opencpns server migrate first',
      )
    }
    if (version === steps.length) return
    await again(() => createVersion(client))
    await again(() => climb(client))
  } catch (error) {
    throw error instanceof StoreError ? error : toOpeningError(toPostgresError(error), address.toString())
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Refuses a database of another program, and one that cannot keep every name. */
async function checkDatabase(client: pg.Client): Promise<void> {
  const tables = await client.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() LIMIT 1000',
  )
  if (tables.rows.length > 0 && !tables.rows.some(({ name }) => name === 'opencpns')) {
    throw new StoreError('STORE_NOT_OURS', 'the database belongs to another program: give OpenCPNS one of its own')
  }
  const encoding = await client.query<{ server_encoding: string }>('SHOW server_encoding')
  if (/^utf-?8$/i.test(encoding.rows[0]?.server_encoding ?? '')) return
  throw new StoreError('STORE_REFUSED', "the database cannot keep every name: create it with ENCODING 'UTF8'")
}

/** Version 0 while there is none. */
async function readState(client: pg.Client): Promise<{ version: number; transfer: string | null }> {
  const { rows } = await client
    .query<{ version: number; transfer: string | null }>('SELECT version, transfer FROM opencpns')
    .catch((error: { code?: string }) => {
      if (error.code === '42P01') return { rows: [] }
      throw error
    })
  const [{ version, transfer } = { version: 0, transfer: null }] = rows
  return { version: checkVersion(version), transfer }
}

function checkVersion(version: number): number {
  if (version <= steps.length) return version
  throw new StoreError(
    'STORE_NEWER',
    `the database has schema ${version}, this version of OpenCPNS knows ${steps.length}: install the newer OpenCPNS again`,
  )
}

async function createVersion(client: pg.Client): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS opencpns (only_row boolean PRIMARY KEY CHECK (only_row), version integer NOT NULL, transfer text)`,
  )
  await client.query('INSERT INTO opencpns (only_row, version) VALUES (true, 0) ON CONFLICT DO NOTHING')
}

async function climb(client: pg.Client): Promise<void> {
  await client.query('BEGIN')
  try {
    const { rows } = await client.query<{ version: number }>('SELECT version FROM opencpns FOR UPDATE')
    for (const step of steps.slice(checkVersion(rows[0]?.version ?? 0))) {
      for (const statement of step) await client.query(statement)
    }
    await client.query('UPDATE opencpns SET version = $1', [steps.length])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function again(act: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      if (error instanceof StoreError) throw error
      const failure = toPostgresError(error)
      const inTheWay = failure.code === 'STORE_DUPLICATE' || failure.repeat === 'conflict' || isAlreadyThere(error)
      if (!(failure instanceof PostgresError) || !inTheWay || attempt === ATTEMPTS) throw error
    }
  }
}

/** Of a table or an index that another process made a moment ago. */
function isAlreadyThere(error: unknown): boolean {
  return (error as { code?: string }).code === '42P07'
}
