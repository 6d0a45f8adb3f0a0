// The transfer of a whole store from SQLite to PostgreSQL: in parts, each of which is noted in the target, then compared row by
// row. Cut off at any moment, it goes on where it was; nothing serves from the target before all of it is there and compared.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { StoreError } from '../contract.ts'
import type { PostgresAddress } from '../postgres/address.ts'
import { Source } from './source.ts'
import { keyOf, type Row, type Table, tables } from './tables.ts'
import { type Progress, Target } from './target.ts'

/** Rows of one part. */
const PART = 5000

export interface TransferOptions {
  /** The file of a SQLite store. */
  readonly from: string
  readonly to: PostgresAddress
  /** Called with the source before anything is written: whether it is the right one. */
  readonly check?: ((source: Pick<Source, 'claim'>) => void) | undefined
  /** Called when all of it is there and compared, before anybody may serve from it. */
  readonly onCompared?: (() => Promise<void>) | undefined
  /** Called with rows that were copied or compared, of all that must be. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Rows of one part. */
  readonly part?: number | undefined
}

export interface TransferReport {
  /** It finished what was begun before. */
  readonly resumed: boolean
  readonly rows: number
  /** SHA-256 over the rows of each table in the order of its key; both stores have the same. */
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly sha256: string }[]
}

/**
 * @throws {StoreError} STORE_NOT_EMPTY; STORE_DIFFERS: what was copied is not what is there; STORE_BUSY: somebody writes the source,
 *   or fills the target; and as {@link openSqlite} and {@link openPostgres}
 */
export async function transfer(options: TransferOptions): Promise<TransferReport> {
  const { from, to, check, onCompared, onProgress, part = PART } = options
  const source = await Source.open(from)
  let target: Target | undefined
  try {
    check?.(source)
    target = await Target.open(to)
    // 1. The target is empty, or what an interrupted transfer of this source left.
    const begun = await target.begin(source.identity())
    const total = tables.reduce((sum, table) => sum + 2 * source.count(table), 0)
    let done = 0
    const tell = (rows: number) => {
      done += rows
      onProgress?.(Math.min(done, total), total)
    }
    // 2. Part by part.
    await copy({ source, target, part }, begun, tell)
    // 3. Row by row.
    const compared = await compare({ source, target, part }, (rows) => {
      done = Math.max(done, total / 2)
      tell(rows)
    })
    await onCompared?.()
    // 4. Now, and not before, it is a store.
    await target.complete(Object.fromEntries(tables.map(({ name }) => [name, source.lastNumber(name)])))
    onProgress?.(total, total)
    const rows = compared.reduce((sum, table) => sum + table.rows, 0)
    return { resumed: begun.after !== null, rows, tables: compared }
  } finally {
    await target?.close()
    source.close()
  }
}

interface Stores {
  source: Source
  target: Target
  part: number
}

/** From where `begun` says on. While a part is on its way the next one is read. */
async function copy({ source, target, part }: Stores, begun: Progress, tell: (rows: number) => void): Promise<void> {
  const first = tables.findIndex(({ name }) => name === begun.table)
  let after = begun.after
  let writing = Promise.resolve()
  for (const table of tables.slice(first)) {
    for (let rows: Row[]; ; ) {
      rows = source.read(table, after, part)
      if (rows.length === 0) break
      await writing
      after = keyOf(table, rows.at(-1) ?? [])
      writing = target.write(table, rows, { ...begun, table: table.name, after })
      writing.catch(() => undefined) // it is waited for in a moment
      tell(rows.length)
      await setImmediate()
    }
    after = null
  }
  await writing
}

async function compare({ source, target, part }: Stores, tell: (rows: number) => void) {
  const compared: TransferReport['tables'][number][] = []
  for (const table of tables) {
    const readSource: Read = (after) => source.read(table, after, part)
    const readTarget: Read = (after) => target.read(table, after, part)
    const one = await digest(table, readSource, tell)
    const other = await digest(table, readTarget)
    if (one.rows !== other.rows || one.sha256 !== other.sha256) {
      const where = await firstDifference(table, readSource, readTarget)
      throw differs(table, { expected: one.rows, found: other.rows, where })
    }
    compared.push({ name: table.name, ...one })
  }
  return compared
}

/** The rows of one part, those after a key in its order. */
type Read = (after: Row | null) => Row[] | Promise<Row[]>

async function* partsOf(table: Table, read: Read): AsyncGenerator<Row[]> {
  for (let after: Row | null = null; ; ) {
    const rows: Row[] = await read(after)
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = keyOf(table, last)
    await setImmediate()
  }
}

async function digest(table: Table, read: Read, tell?: (rows: number) => void) {
  const hash = createHash('sha256')
  let count = 0
  for await (const rows of partsOf(table, read)) {
    hash.update(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    count += rows.length
    tell?.(rows.length)
  }
  return { rows: count, sha256: hash.digest('hex') }
}

/** The first row that has no equal in the other store, by its key; undefined when somebody has mended it meanwhile. */
async function firstDifference(table: Table, readSource: Read, readTarget: Read): Promise<string | undefined> {
  const others = partsOf(table, readTarget)
  for await (const rows of partsOf(table, readSource)) {
    const { value: found = [] } = await others.next()
    const row = rows.find((one, at) => JSON.stringify(one) !== JSON.stringify(found[at]))
    if (row) return describeKey(table, row)
  }
  const { value: surplus = [] } = await others.next()
  return surplus[0] && describeKey(table, surplus[0])
}

/** Octets by their beginning: enough to find the row. */
function describeKey({ columns, key }: Table, row: Row): string {
  const shown = (at: number) => (columns[at]?.type === 'bytea' ? `${String(row[at]).slice(0, 8)}…` : String(row[at]))
  return key.map((column, at) => `${column} ${shown(at)}`).join(', ')
}

function differs({ name }: Table, of: { expected: number; found: number; where: string | undefined }): StoreError {
  const { expected, found, where } = of
  const first = where === undefined ? '' : `; the first that differs: ${where}`
  return new StoreError(
    'STORE_DIFFERS',
    `the table ${name} is not the same in both stores (${expected} rows, and ${found}${first}): empty the new database and begin again`,
  )
}
