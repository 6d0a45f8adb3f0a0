// The bus of servers that share a PostgreSQL database: its notifications. They reach everybody, their sender too, and hold
// fewer than 8,000 octets.
import { randomBytes } from 'node:crypto'
import type { Logger } from '@opencpns/io'
import type { PostgresAddress } from '../store/postgres/address.ts'
import { NOTIFICATION_MAX_OCTETS, PgNotifications } from '../store/postgres/notifications.ts'
import { type Bus, type BusMessage, Listeners } from './bus.ts'

/** Messages in a second; more are dropped. */
const PER_SECOND_MAX = 500

interface PostgresBusOptions {
  readonly logger?: Logger | undefined
  /** Messages come from now on; some may have been lost before. */
  readonly onConnected?: (() => void) | undefined
}

export class PostgresBus implements Bus {
  readonly #from = randomBytes(6).toString('base64url')
  readonly #listeners = new Listeners()
  readonly #notifications: PgNotifications
  readonly #logger: Logger | undefined
  #second = 0
  #sent = 0

  constructor(address: PostgresAddress, { logger, onConnected = () => {} }: PostgresBusOptions = {}) {
    this.#logger = logger
    const onNotification = (payload: string) => this.#receive(payload)
    this.#notifications = new PgNotifications(address, { onNotification, onConnected, logger })
  }

  publish(message: BusMessage): void {
    for (const payload of this.#payloadsOf(message)) {
      if (!this.#mayGo()) return
      this.#notifications
        .notify(payload)
        .catch((err) =>
          this.#logger?.debug({ event: 'bus-not-sent', err }, 'a message did not reach the other servers'),
        )
    }
  }

  subscribe(listener: (message: BusMessage) => void): () => void {
    return this.#listeners.add(listener)
  }

  close(): Promise<void> {
    this.#listeners.clear()
    return this.#notifications.close()
  }

  #mayGo(): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) this.#sent = 0
    this.#second = second
    return this.#sent++ < PER_SECOND_MAX && this.#notifications.connected
  }

  /** One that is too long is cut in two where it can be, and dropped where not. */
  #payloadsOf(message: BusMessage): string[] {
    const payload = JSON.stringify({ from: this.#from, message })
    if (Buffer.byteLength(payload) <= NOTIFICATION_MAX_OCTETS) return [payload]
    if (message.type !== 'live' || message.messages.length < 2) return []
    const middle = message.messages.length >> 1
    const halves = [message.messages.slice(0, middle), message.messages.slice(middle)]
    return halves.flatMap((messages) => this.#payloadsOf({ type: 'live', messages }))
  }

  /** Whoever can write into our database can do worse than send us nonsense; it must only not end us. */
  #receive(payload: string): void {
    try {
      const { from, message } = JSON.parse(payload)
      if (from !== this.#from && typeof message?.type === 'string') this.#listeners.tell(message)
    } catch (err) {
      this.#logger?.warn({ event: 'bus-not-understood', err }, 'a message of another server could not be understood')
    }
  }
}
