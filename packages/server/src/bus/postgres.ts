// The bus of servers that share a PostgreSQL database: its notifications. They reach everybody, their sender too, and hold
// fewer than 8,000 octets. Whoever may connect to the database can notify, and needs no right for it: so each message has a MAC
// under a key of the master key, HMAC-SHA-256 in base64url before its JSON, and a number that grows.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Logger } from '@opencpns/io'
import { LruMap } from '../registry/lru-map.ts'
import type { PostgresAddress } from '../store/postgres/address.ts'
import { NOTIFICATION_MAX_OCTETS, PgNotifications } from '../store/postgres/notifications.ts'
import type { Vault } from '../vault.ts'
import { type Bus, type BusMessage, Listeners } from './bus.ts'

const MAC_CHARACTERS = 43
/** Servers whose newest number is remembered. */
const SENDERS_MAX = 1000
/** Messages in a second; more are dropped. */
const PER_SECOND_MAX = 500
/** Of many that say that something has changed, the first goes at once and one more so much later, for all of them. */
const CHANGED_EVERY_MS = 10

interface PostgresBusOptions {
  readonly vault: Pick<Vault, 'busKey'>
  readonly logger?: Logger | undefined
  /** Messages come from now on; some may have been lost before. */
  readonly onConnected?: (() => void) | undefined
}

interface Letter {
  readonly from: string
  /** Of its sender, from 1 on. */
  readonly n: number
  readonly message: BusMessage
}

export class PostgresBus implements Bus {
  readonly #from = randomBytes(6).toString('base64url')
  readonly #key: Buffer
  /** The newest number of each sender. */
  readonly #newest = new LruMap<string, { n: number }>(SENDERS_MAX)
  #n = 0
  readonly #listeners = new Listeners()
  readonly #notifications: PgNotifications
  readonly #logger: Logger | undefined
  #second = 0
  #sent = 0
  #announcing: NodeJS.Timeout | undefined
  #announceAgain = false

  constructor(address: PostgresAddress, { vault, logger, onConnected = () => {} }: PostgresBusOptions) {
    this.#key = vault.busKey()
    this.#logger = logger
    const onNotification = (payload: string) => this.#receive(payload)
    this.#notifications = new PgNotifications(address, { onNotification, onConnected, logger })
  }

  publish(message: BusMessage): void {
    if (message.type === 'changed') this.#announce()
    else this.#send(message)
  }

  /** A gateway can make us say it as often as it likes: that must leave room for the rest. */
  #announce(): void {
    if (this.#announcing) {
      this.#announceAgain = true
      return
    }
    this.#send({ type: 'changed' })
    this.#announcing = setTimeout(() => {
      this.#announcing = undefined
      if (this.#announceAgain) this.#announce()
    }, CHANGED_EVERY_MS).unref()
    this.#announceAgain = false
  }

  #send(message: BusMessage): void {
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
    clearTimeout(this.#announcing)
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
    const text = JSON.stringify({ from: this.#from, n: ++this.#n, message } satisfies Letter)
    if (MAC_CHARACTERS + Buffer.byteLength(text) <= NOTIFICATION_MAX_OCTETS) return [this.#mac(text) + text]
    if (message.type !== 'live' || message.messages.length < 2) return []
    const middle = message.messages.length >> 1
    const halves = [message.messages.slice(0, middle), message.messages.slice(middle)]
    return halves.flatMap((messages) => this.#payloadsOf({ type: 'live', messages }))
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url')
  }

  #receive(payload: string): void {
    const text = payload.slice(MAC_CHARACTERS)
    const [given, expected] = [payload.slice(0, MAC_CHARACTERS), this.#mac(text)].map((mac) => Buffer.from(mac))
    const isOurs = given && expected && given.length === expected.length && timingSafeEqual(given, expected)
    try {
      if (!isOurs) throw new TypeError('the message is not of a server with this master key')
      this.#hear(JSON.parse(text))
    } catch (err) {
      this.#logger?.debug({ event: 'bus-not-understood', err }, 'a message of another server could not be understood')
    }
  }

  /** @throws what a listener cannot make sense of, as when another server is of a newer release */
  #hear({ from, n, message }: Letter): void {
    if (from === this.#from || n <= (this.#newest.get(from)?.n ?? 0)) return
    this.#newest.set(from, { n })
    this.#listeners.tell(message)
  }
}
