// One SQLite connection, as all parts of the store use it. Reads run at once; writes go through the group commit.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { StoreError } from '../contract.ts'
import { toStoreError } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import { ReadTurn } from './read-turn.ts'
import { prepareAll, type Statements } from './statements.ts'

export type Parameters = Record<string, SQLInputValue | undefined>

export class Connection {
  readonly db: DatabaseSync
  readonly statements: Statements
  readonly #commits: GroupCommit
  readonly #turn: ReadTurn
  /** Statements made to measure for a filter: as many as there are combinations of conditions. */
  readonly #lists = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
    this.#turn = new ReadTurn(db)
    this.#commits = new GroupCommit(db, this.#turn)
    this.statements = prepareAll(db)
  }

  /** An async function, so that what it throws rejects. */
  async read<T>(query: (statements: Statements) => T): Promise<T> {
    this.#checkOpen()
    try {
      return query(this.statements)
    } catch (error) {
      throw toStoreError(error)
    }
  }

  /** A read that an authentication makes: it shares the transaction of its turn. */
  look<T>(query: (statements: Statements) => T): Promise<T> {
    return this.read((statements) => {
      this.#turn.enter()
      return query(statements)
    })
  }

  async write<T>(change: (statements: Statements) => T): Promise<T> {
    this.#checkOpen()
    return this.#commits.run(() => change(this.statements))
  }

  /** Runs a statement that was made to measure; parameters that it does not use are undefined. */
  list(sql: string, parameters: Parameters): Record<string, unknown>[] {
    let statement = this.#lists.get(sql)
    if (statement === undefined) {
      statement = this.db.prepare(sql)
      this.#lists.set(sql, statement)
    }
    const used = Object.entries(parameters).filter((entry): entry is [string, SQLInputValue] => entry[1] !== undefined)
    return statement.all(Object.fromEntries(used))
  }

  /** Lets others have the event loop between two parts of a long read. */
  pause(): Promise<void> {
    return setImmediate()
  }

  /** A large change, by itself: unlike {@link write} it shares its transaction with no other, and so can do without a savepoint. */
  async writeAlone<T>(change: (statements: Statements) => T): Promise<T> {
    this.#checkOpen()
    return this.#commits.alone(() => change(this.statements))
  }

  /** Keeps so many KiB of pages while `work` goes on. */
  async withCache<T>(kib: number, work: () => Promise<T>): Promise<T> {
    this.#checkOpen()
    const usual = Number(this.db.prepare('PRAGMA cache_size').get()?.['cache_size'])
    this.db.exec(`PRAGMA cache_size = -${kib}`)
    try {
      return await work()
    } finally {
      if (this.db.isOpen) this.db.exec(`PRAGMA cache_size = ${usual}`)
    }
  }

  /** Ends the reads of this turn: what must see the database alone may follow. */
  endReads(): void {
    this.#turn.end()
  }

  close(): void {
    if (!this.db.isOpen) return
    this.#commits.flush()
    this.#turn.end()
    this.db.close()
  }

  #checkOpen(): void {
    if (!this.db.isOpen) throw new StoreError('STORE_CLOSED', 'the store is closed')
  }
}
