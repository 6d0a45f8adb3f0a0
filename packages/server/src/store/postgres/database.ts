// Connections to PostgreSQL, all of it bounded: how many there are, how many wait for one, how long each wait may take, how
// often something is tried again. Statements are prepared by name; those of a transaction need not wait for its BEGIN.
import type { Logger } from '@opencpns/io'
import pg from 'pg'
import { StoreError } from '../contract.ts'
import type { PostgresAddress } from './address.ts'
import { PostgresError, toConnectingError, toPostgresError } from './errors.ts'
import { types } from './values.ts'

/** For a free connection, or for a new one to be there. */
const CONNECT_MS = 5000
/** For a statement, by the database's clock. */
const STATEMENT_MS = 10_000
/** For a row that another transaction holds. */
const LOCK_MS = 5000
/** For the next statement of a transaction: if this process hangs, the database lets go of its locks. */
const IDLE_IN_TRANSACTION_MS = 10_000
/** For an answer, by our clock: when the network swallows everything, the database's deadlines do not help. */
const ANSWER_MS = STATEMENT_MS + 5000
/** Operations that may wait for a connection. */
const WAITING_MAX = 1000
/** A connection is renewed after this time, so that after a failover all come home. */
const LIFETIME_S = 1800

const ATTEMPTS = 6
/** After this time nothing is tried again. */
const REPEAT_WITHIN_MS = 3000

export interface Statement {
  readonly name: string
  readonly text: string
}

/** What can be asked, within a transaction or without one. */
export interface Queries {
  all<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
  /** The first row, or undefined. */
  first<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row | undefined>
  /** Gives the number of rows that it changed. */
  run(statement: Statement, values?: readonly unknown[]): Promise<number>
}

/**
 * Whether a change whose outcome is unknown, because the connection was lost over it, may be made again: yes when making it
 * twice is the same as making it once.
 */
export type Again = 'idempotent' | 'once'

interface DatabaseOptions {
  logger?: Logger | undefined
  /** For tests that cannot wait so long. */
  deadlines?: { connectMs?: number; statementMs?: number; lockMs?: number; answerMs?: number; waitingMax?: number }
}

export class Database {
  readonly address: PostgresAddress
  readonly #pool: pg.Pool
  readonly #waitingMax: number
  readonly #idle = Promise.withResolvers<void>()
  #underWay = 0
  #closing: Promise<void> | undefined

  constructor(address: PostgresAddress, { logger, deadlines = {} }: DatabaseOptions = {}) {
    const { connectMs = CONNECT_MS, statementMs = STATEMENT_MS, lockMs = LOCK_MS, answerMs = ANSWER_MS } = deadlines
    this.address = address
    this.#waitingMax = deadlines.waitingMax ?? WAITING_MAX
    this.#pool = new pg.Pool({
      ...address.connection(),
      types,
      pipeline: true,
      max: address.connections,
      application_name: 'opencpns',
      connectionTimeoutMillis: connectMs,
      query_timeout: answerMs,
      maxLifetimeSeconds: LIFETIME_S,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      onConnect: (client) => prepareSession(client, { statementMs, lockMs }),
    })
    this.#pool.on('error', (error) =>
      logger?.debug({ event: 'store-connection-lost', err: toPostgresError(error) }, 'an idle connection was lost'),
    )
  }

  /** A statement that reads: it may be asked as often as need be. */
  readonly reads: Queries = queries((statement, values) => this.#alone(statement, values, 'idempotent'))

  /** A single statement that changes something and is a transaction of its own. */
  changes(again: Again): Queries {
    return again === 'idempotent' ? this.reads : queries((statement, values) => this.#alone(statement, values, 'once'))
  }

  /**
   * Runs `work` in a transaction, from the beginning again when others were in its way. Resolves once it is on the disk.
   * Each statement sees what was committed before it; what must not change meanwhile is locked, in the order user, gateway,
   * PNE, key, registration, revocation log.
   */
  transaction<T>(again: Again, work: (transaction: Queries) => Promise<T>): Promise<T> {
    return this.#attempt(async (client, progress) => {
      progress.changing = false
      const ask = (statement: Statement, values: readonly unknown[]) => query(client, statement, values)
      const begun = query(client, { name: '', text: 'BEGIN ISOLATION LEVEL READ COMMITTED' }, [])
      begun.catch(() => undefined) // the first statement, sent along with it, fails alike
      try {
        const result = await work(queries(ask))
        await begun
        progress.changing = again === 'once'
        await query(client, { name: '', text: 'COMMIT' }, [])
        return result
      } catch (error) {
        if (!isLost(error)) await query(client, { name: '', text: 'ROLLBACK' }, [])
        throw error
      }
    })
  }

  /** Lets what is under way end, then ends all connections. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) await this.#idle.promise
    await this.#pool.end()
  }

  #alone(statement: Statement, values: readonly unknown[], again: Again): Promise<pg.QueryResult> {
    return this.#attempt(async (client, progress) => {
      progress.changing = again === 'once'
      return query(client, statement, values)
    })
  }

  /** Tries again within bounds, unless `work` was just making a change that may or may not be made now. */
  async #attempt<T>(work: (client: pg.PoolClient, progress: { changing: boolean }) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new StoreError('STORE_CLOSED', 'the store is closed')
    const until = performance.now() + REPEAT_WITHIN_MS
    this.#underWay++
    try {
      for (let attempt = 1; ; attempt++) {
        const progress = { changing: false }
        try {
          return await this.#withConnection((client) => work(client, progress))
        } catch (error) {
          const repeatable = error instanceof PostgresError && mayRepeat(error, progress)
          if (!repeatable || attempt === ATTEMPTS || performance.now() > until) throw error
        }
        await pause(attempt)
      }
    } finally {
      this.#underWay--
      if (this.#underWay === 0 && this.#closing !== undefined) this.#idle.resolve()
    }
  }

  async #withConnection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#pool.waitingCount >= this.#waitingMax) {
      throw new StoreError('STORE_BUSY', 'too much waits for the database: try again')
    }
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw toConnectingError(error)
    })
    client.on('error', ignore) // the query that is under way tells it
    let broken = false
    try {
      return await work(client)
    } catch (error) {
      broken = isLost(error)
      throw error
    } finally {
      client.off('error', ignore)
      client.release(broken)
    }
  }
}

function queries(ask: (statement: Statement, values: readonly unknown[]) => Promise<pg.QueryResult>): Queries {
  return {
    all: async (statement, values = []) => (await ask(statement, values)).rows,
    first: async (statement, values = []) => (await ask(statement, values)).rows[0],
    run: async (statement, values = []) => (await ask(statement, values)).rowCount ?? 0,
  }
}

async function query(client: pg.ClientBase, { name, text }: Statement, values: readonly unknown[]) {
  try {
    return await client.query(name === '' ? { text } : { name, text, values: [...values] })
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? error : toPostgresError(error)
  }
}

/**
 * Deadlines of the database's own, and durability: a commit is answered once it is on the disk, even where the operator of
 * the database has chosen less. Set by a statement, for poolers refuse them as parameters of the connection.
 */
async function prepareSession(client: pg.ClientBase, { statementMs, lockMs }: { statementMs: number; lockMs: number }) {
  const durable = `CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
    THEN 'on' ELSE current_setting('synchronous_commit') END`
  await client.query(
    `SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),
            set_config('idle_in_transaction_session_timeout', $3, false),
            set_config('synchronous_commit', ${durable}, false)`,
    [`${statementMs}ms`, `${lockMs}ms`, `${IDLE_IN_TRANSACTION_MS}ms`],
  )
}

function mayRepeat({ repeat }: PostgresError, { changing }: { changing: boolean }): boolean {
  return repeat === 'conflict' || (repeat === 'lost' && !changing)
}

function isLost(error: unknown): boolean {
  return error instanceof PostgresError && error.repeat === 'lost'
}

/** Longer from time to time, and never the same for two that were in each other's way. */
function pause(attempt: number): Promise<void> {
  const ms = 2 ** attempt * 10 * (0.5 + Math.random())
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function ignore(): void {}
