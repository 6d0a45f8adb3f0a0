// Messages between the servers of one database, by LISTEN and NOTIFY on a connection of their own, which is made anew for ever.
// Fast and not certain: what is sent while a listener is cut off never reaches it, so whoever listens asks the store what it
// missed when `onConnected` is called.
import { setTimeout as wait } from 'node:timers/promises'
import { type Logger, silent } from '@opencpns/io'
import pg from 'pg'
import { StoreError } from '../contract.ts'
import type { PostgresAddress } from './address.ts'
import { PostgresError, toPostgresError } from './errors.ts'
import { types } from './values.ts'

const CHANNEL = 'opencpns'
/** PostgreSQL takes fewer than 8,000. */
export const NOTIFICATION_MAX_OCTETS = 7900

const CONNECT_MS = 5000
const ANSWER_MS = 5000
/** Messages that may wait to be sent. */
const WAITING_MAX = 1000
/** How often the connection is tried: one that is dead without a word would else never be missed. */
const ALIVE_EVERY_MS = 10_000
const RECONNECT_MS = { least: 100, most: 5000 }

interface NotificationsOptions {
  /** A message of any listener of this database, this one too. */
  onNotification: (payload: string) => void
  /** Messages come from now on. Called at first, and whenever a lost connection was replaced. */
  onConnected: () => void
  /** No messages come until {@link onConnected}. */
  onLost?: () => void
  logger?: Logger | undefined
  /** For tests that cannot wait so long. */
  deadlines?: { aliveEveryMs?: number; answerMs?: number }
}

export class PgNotifications {
  readonly #address: PostgresAddress
  readonly #options: NotificationsOptions
  readonly #logger: Logger
  readonly #closing = new AbortController()
  readonly #ended: Promise<void>
  #client: pg.Client | undefined
  #waiting = 0

  /** Connects in the background. */
  constructor(address: PostgresAddress, options: NotificationsOptions) {
    this.#address = address
    this.#options = options
    this.#logger = options.logger ?? silent
    this.#ended = this.#stayConnected()
  }

  /** Whether messages come now. */
  get connected(): boolean {
    return this.#client !== undefined
  }

  /**
   * Sends a message to all that listen, in the order of the calls. Resolves once the database has it.
   * @param payload  at most 7,900 octets of UTF-8
   * @throws {RangeError} longer  @throws {StoreError} `STORE_BUSY`: not connected now, or too many wait
   */
  async notify(payload: string): Promise<void> {
    if (Buffer.byteLength(payload) > NOTIFICATION_MAX_OCTETS) throw new RangeError('a notification is too long')
    if (this.#client === undefined) throw new StoreError('STORE_BUSY', 'the database cannot be reached: try again')
    if (this.#waiting >= WAITING_MAX) throw new StoreError('STORE_BUSY', 'too many messages wait: try again')
    this.#waiting++
    try {
      await this.#client.query({ name: 'notify', text: 'SELECT pg_notify($1, $2)', values: [CHANNEL, payload] })
    } catch (error) {
      throw toPostgresError(error)
    } finally {
      this.#waiting--
    }
  }

  /** Ends the connection. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#ended
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing
    let pauseMs = RECONNECT_MS.least
    while (!signal.aborted) {
      try {
        await this.#listen(signal, () => {
          pauseMs = RECONNECT_MS.least
        })
      } catch (error) {
        if (isUnsupported(error)) {
          this.#logger.warn(
            { event: 'notifications-missing', err: error },
            'this database knows no LISTEN: servers hear of each other only when they ask',
          )
          return
        }
        this.#logger.warn(
          { event: 'notifications-lost', err: error },
          'the connection for messages between servers was lost',
        )
      }
      await wait(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, RECONNECT_MS.most)
    }
  }

  /** One connection, from its beginning to its end. @throws {PostgresError} it was lost, or there was none */
  async #listen(signal: AbortSignal, onConnected: () => void): Promise<void> {
    const { onNotification, onConnected: tell, onLost } = this.#options
    const client = this.#newClient()
    const { promise: lost, reject: lose } = Promise.withResolvers<never>()
    lost.catch(() => undefined)
    client.on('error', lose)
    client.on('end', () => lose(new Error('the connection has ended')))
    client.on('notification', ({ payload }) => onNotification(payload ?? ''))
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
      this.#client = client
      onConnected()
      tell()
      await Promise.race([this.#keepAlive(client, signal), lost])
    } catch (error) {
      throw toPostgresError(error)
    } finally {
      if (this.#client === client) {
        this.#client = undefined
        onLost?.()
      }
      await client.end().catch(() => undefined)
    }
  }

  #newClient(): pg.Client {
    return new pg.Client({
      ...this.#address.connection(),
      types,
      pipeline: true,
      application_name: 'opencpns messages',
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: this.#options.deadlines?.answerMs ?? ANSWER_MS,
      keepAlive: true,
    })
  }

  /** Until the signal. @throws when there is no answer any more */
  async #keepAlive(client: pg.Client, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await wait(this.#options.deadlines?.aliveEveryMs ?? ALIVE_EVERY_MS, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await client.query('SELECT 1')
    }
  }
}

/** CockroachDB and others: feature not supported, or a syntax error. */
function isUnsupported(error: unknown): boolean {
  const state = error instanceof PostgresError && (error.cause as { code?: string }).code
  return state === '0A000' || state === '42601'
}
