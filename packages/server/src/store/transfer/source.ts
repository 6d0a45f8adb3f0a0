// A SQLite store, read from its beginning to its end. Nobody else writes it meanwhile.
import { createHash } from 'node:crypto'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { toStoreError } from '../sqlite/errors.ts'
import { openSqlite } from '../sqlite/open.ts'
import { list, type Row, type Table } from './tables.ts'

const BUSY_TIMEOUT_MS = 2000

export class Source {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  private constructor(db: DatabaseSync) {
    this.#db = db
  }

  /**
   * Brings the store up to date, then keeps all others from writing until {@link close}.
   * @throws {StoreError} as {@link openSqlite}
   */
  static async open(file: string): Promise<Source> {
    await openSqlite(file).close()
    const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
    try {
      db.exec('BEGIN IMMEDIATE')
    } catch (error) {
      db.close()
      throw toStoreError(error)
    }
    return new Source(db)
  }

  /** What tells this store from others: it is of one master key. In hex. */
  identity(): string {
    const claims = this.#db.prepare('SELECT name, lower(hex(value)) AS value FROM claims ORDER BY name').all()
    return createHash('sha256').update(JSON.stringify(claims)).digest('hex')
  }

  claim(name: string): Uint8Array | undefined {
    return this.#db.prepare('SELECT value FROM claims WHERE name = ?').get(name)?.['value'] as Uint8Array | undefined
  }

  count({ sqlite }: Table): number {
    return Number(this.#db.prepare(`SELECT count(*) AS n FROM ${sqlite}`).get()?.['n'])
  }

  /** Up to `limit` rows after the one with this key, in the order of keys. */
  read(table: Table, after: Row | null, limit: number): Row[] {
    const rows = this.#statement(table, after !== null).all(...((after ?? []) as SQLInputValue[]), limit)
    return rows as unknown as Row[]
  }

  /** The last number that the table has given out. */
  lastNumber(table: string): number {
    const found = this.#db.prepare('SELECT max(seq) AS seq FROM sqlite_sequence WHERE name = ?').get(table)
    return Number(found?.['seq'] ?? 0)
  }

  close(): void {
    this.#db.close()
  }

  #statement({ name, columns, key, sqlite }: Table, isContinued: boolean): StatementSync {
    const id = `${name} ${isContinued}`
    const known = this.#statements.get(id)
    if (known !== undefined) return known
    const read = columns.map(({ name, type }) =>
      type === 'bytea' ? `iif("${name}" IS NULL, NULL, lower(hex("${name}")))` : `"${name}"`,
    )
    const isOctets = columns[0]?.type === 'bytea'
    const marks = key.map(() => (isOctets ? 'unhex(?)' : '?')).join(', ')
    const where = isContinued ? `WHERE (${list(key)}) > (${marks})` : ''
    const statement = this.#db.prepare(
      `SELECT ${read.join(', ')} FROM ${sqlite} ${where} ORDER BY ${list(key)} LIMIT ?`,
    )
    statement.setReturnArrays(true)
    this.#statements.set(id, statement)
    return statement
  }
}
