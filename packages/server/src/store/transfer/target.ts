// A PostgreSQL database that is being filled. How far it is stands in the database itself and changes with each part, in one
// transaction: whatever cuts the transfer off, the next attempt goes on where it was. Until it is finished no server serves from it.
import pg from 'pg'
import { StoreError } from '../contract.ts'
import type { PostgresAddress } from '../postgres/address.ts'
import { toPostgresError } from '../postgres/errors.ts'
import { migrate } from '../postgres/migrate.ts'
import { list, type Row, type Table, tables } from './tables.ts'

const CONNECT_MS = 5000
const STATEMENT_MS = 600_000

/** `table` and `after`: the last row that is there. */
export interface Progress {
  readonly source: string
  readonly table: string
  readonly after: Row | null
}

export class Target {
  readonly #client: pg.Client
  /** As it stands in the database. */
  #written: string | null = null

  private constructor(client: pg.Client) {
    this.#client = client
  }

  /** Makes the tables. @throws {StoreError} as {@link openPostgres} */
  static async open(address: PostgresAddress): Promise<Target> {
    await migrate(address, { isFilling: true })
    const client = new pg.Client({
      ...address.connection(),
      types: { getTypeParser },
      pipeline: true,
      application_name: 'opencpns migrate',
      connectionTimeoutMillis: CONNECT_MS,
    })
    client.on('error', () => undefined) // the query that is under way tells it
    const target = new Target(client)
    await asked(client.connect())
    await target.#query(`SELECT set_config('statement_timeout', '${STATEMENT_MS}ms', false)`)
    return target
  }

  /** @throws {StoreError} STORE_NOT_EMPTY: something is there that is not of this source */
  async begin(source: string): Promise<Progress> {
    const [row] = await this.#query('SELECT transfer FROM opencpns')
    const written = row?.[0] ?? null
    const first = { source, table: tables[0]?.name ?? '', after: null }
    const progress: Progress = written === null ? first : JSON.parse(`${written}`)
    if ((written === null && (await this.#holdsAnything())) || progress.source !== source) {
      throw new StoreError('STORE_NOT_EMPTY', 'the database holds other data: give an empty one')
    }
    this.#written = written as string | null
    if (written === null) await this.#inTransaction([], progress)
    // A commit need not wait for the disk before the last one, which waits for all.
    await this.#query("SET synchronous_commit = 'off'")
    return progress
  }

  /** Appends rows and notes how far it is. @throws {StoreError} STORE_BUSY: another transfer goes on */
  async write(table: Table, rows: readonly Row[], progress: Progress): Promise<void> {
    const { name, columns } = table
    const arrays = columns.map(({ type }, at) => `$${at + 1}::${type}[]`)
    const text = `INSERT INTO ${name} (${list(columns.map((column) => column.name))}) SELECT * FROM unnest(${arrays.join(', ')})`
    const values = columns.map(({ type }, at) => rows.map((row) => parameterOf(row[at] ?? null, type)))
    await this.#inTransaction([{ name: `fill.${name}`, text, values }], progress)
  }

  /** Up to `limit` rows after the one with this key, in the order of keys. */
  async read({ name, columns, key }: Table, after: Row | null, limit: number): Promise<Row[]> {
    const types = columns.map(({ type }) => type)
    const marks = key.map((_, at) => `$${at + 2}::${types[at]}`).join(', ')
    const where = after === null ? '' : `WHERE (${list(key)}) > (${marks})`
    const text = `SELECT ${list(columns.map((column) => column.name))} FROM ${name} ${where} ORDER BY ${list(key)} LIMIT $1`
    const values = [limit, ...(after ?? []).map((value, at) => parameterOf(value, types[at] ?? 'text'))]
    return this.#query({ name: `read.${name}.${after === null}`, text, values })
  }

  /** Sets what follows from the rows: numbers go on above those that were given out, and what there is is counted. */
  async complete(numbers: Readonly<Record<string, number>>): Promise<void> {
    await this.#query("SET synchronous_commit = 'on'")
    const statements = [
      ...identities.map(([table, column]) => advance(table, column, numbers[table] ?? 0)),
      ...['revocations', 'changes', 'events'].map((name) => raise(name, numbers[name] ?? 0)),
      'DELETE FROM counts',
      counting,
    ]
    await this.#inTransaction(
      statements.map((text) => ({ text })),
      null,
    )
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined)
  }

  async #holdsAnything(): Promise<boolean> {
    const any = [...tables.map(({ name }) => name), 'replicas']
      .map((name) => `EXISTS (SELECT 1 FROM ${name})`)
      .join(' OR ')
    const [row] = await this.#query(`SELECT (${any})::integer`)
    return row?.[0] === 1
  }

  async #inTransaction(statements: readonly pg.QueryConfig[], progress: Progress | null): Promise<void> {
    const next = progress && JSON.stringify(progress)
    const note = 'UPDATE opencpns SET transfer = $1 WHERE transfer IS NOT DISTINCT FROM $2'
    try {
      const done = [{ text: 'BEGIN' }, ...statements].map((statement) => this.#client.query(statement))
      const noted = this.#client.query({ name: 'note', text: note, values: [next, this.#written] })
      await asked(Promise.all([...done, noted]))
      if ((await noted).rowCount !== 1) {
        throw new StoreError('STORE_BUSY', 'another transfer fills this database: wait for it, then try again')
      }
      await this.#query('COMMIT')
      this.#written = next
    } catch (error) {
      await this.#client.query('ROLLBACK').catch(() => undefined)
      throw error
    }
  }

  async #query(query: string | pg.QueryConfig): Promise<Row[]> {
    const config = typeof query === 'string' ? { text: query } : query
    return (await asked(this.#client.query<(number | string | null)[]>({ ...config, rowMode: 'array' }))).rows
  }
}

async function asked<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    throw toPostgresError(error)
  }
}

/** As SQLite gives them: octets in hex, booleans as 0 and 1. */
function getTypeParser(oid: number): (text: string) => number | string {
  const { BYTEA, BOOL, INT4, INT8, FLOAT8 } = pg.types.builtins
  if (oid === BYTEA) return (text) => text.slice(2)
  if (oid === BOOL) return (text) => Number(text === 't')
  return oid === INT4 || oid === INT8 || oid === FLOAT8 ? Number : String
}

function parameterOf(value: number | string | null, type: string): number | string | boolean | null {
  if (value === null) return null
  if (type === 'bytea') return `\\x${value}`
  return type === 'boolean' ? value === 1 : value
}

const identities = [
  ['users', 'id'],
  ['gateways', 'id'],
  ['pnes', 'id'],
  ['registrations', 'id'],
  ['tokens', 'number'],
  ['audit', 'id'],
] as const

/** @param last  the highest that was ever given out */
function advance(table: string, column: string, last: number): string {
  const highest = `greatest(${last}, (SELECT coalesce(max(${column}), 0) FROM ${table}))`
  return `SELECT setval(pg_get_serial_sequence('${table}', '${column}'), ${highest} + 1, false)`
}

function raise(counter: string, last: number): string {
  const column = counter === 'events' ? 'id' : 'seq'
  const highest = `greatest(${last}, (SELECT coalesce(max(${column}), 0) FROM ${counter}))`
  return `UPDATE counters SET value = ${highest} WHERE name = '${counter}'`
}

const counting = `
  INSERT INTO counts (name, slot, n)
  SELECT 'users', 0, count(*) FROM users WHERE removed_at IS NULL
  UNION ALL SELECT 'gateways.cpns', 0, count(*) FROM gateways WHERE revoked_at IS NULL AND radius IS NULL
  UNION ALL SELECT 'gateways.radius', 0, count(*) FROM gateways WHERE revoked_at IS NULL AND radius IS NOT NULL
  UNION ALL SELECT 'gateways.revoked', 0, count(*) FROM gateways WHERE revoked_at IS NOT NULL
  UNION ALL SELECT 'pnes.' || state, 0, count(*) FROM pnes GROUP BY state
  UNION ALL SELECT 'registered', 0, count(*) FROM registrations`
