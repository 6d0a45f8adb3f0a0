// One server of the operator: keeps a link to it, for ever, with back-off between attempts.

import { type Address, backoff, formatHostPort, sleep } from '@opencpns/io'
import type { ServerLink } from './server-link.ts'

const RETRY_MIN_MS = 200
const RETRY_MAX_MS = 10_000
/** A connection that lasted so long was a good one: the next attempt comes soon. */
const STEADY_MS = 5000
/** How long a link that was lost is expected back. */
const EXPECTED_MS = 1000

export interface ReplicaListener {
  /** Makes a link. @throws why it could not */
  open(address: Address, signal: AbortSignal): Promise<ServerLink>
  /** A link was made, `beganAt` by {@link performance.now}. */
  onLink(link: ServerLink, beganAt: number): void
  /** A link was lost, or could not be made. */
  onFailure(address: Address, error: unknown, message: string): void
  /** An attempt ended, a link was lost. */
  onChange(): void
}

/** One server, for people and programs. */
export interface ReplicaStatus {
  /** `HOST:PORT` */
  readonly address: string
  readonly connected: boolean
  /** Milliseconds since the epoch: since when it is as it is. */
  readonly sinceMs: number
}

export class Replica {
  readonly address: Address
  readonly #listener: ReplicaListener
  readonly #stop = new AbortController()
  readonly #backoff = backoff({ minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS })
  #link: ServerLink | undefined
  #sinceMs = Date.now()
  #connecting = false
  #lostAt = Number.NEGATIVE_INFINITY
  #failed = false
  #nap = new AbortController()

  constructor(address: Address, listener: ReplicaListener) {
    this.address = address
    this.#listener = listener
    void this.#stayConnected()
  }

  /** The link, if there is one that takes requests. */
  get link(): ServerLink | undefined {
    return this.#link?.isOpen ? this.#link : undefined
  }

  /** Whether there may be a link in a moment: it is being made, or was lost just now, as by a server that comes back at once. */
  get isExpected(): boolean {
    const isEnding = this.#link !== undefined && !this.#link.isOpen
    return this.#connecting || isEnding || performance.now() - this.#lostAt < EXPECTED_MS
  }

  /** Whether it could not be reached the last time. */
  get isFailing(): boolean {
    return this.#failed
  }

  get status(): ReplicaStatus {
    return {
      address: formatHostPort(this.address),
      connected: this.#link !== undefined,
      sinceMs: this.#sinceMs,
    }
  }

  /** Tries again now, if it waits before the next attempt. */
  hurry(): void {
    this.#nap.abort()
  }

  /** Ends it once what is under way is answered. */
  retire(): void {
    this.#stop.abort()
    this.#link?.drain()
  }

  close(): void {
    this.#stop.abort()
    this.#link?.close()
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#connection().catch((error) => {
        this.#ended(error, 'no connection to the CPNS Server: it is tried again and again')
      })
      this.#nap = new AbortController()
      await sleep(this.#backoff.next(), { signal: AbortSignal.any([signal, this.#nap.signal]) }).catch(() => {})
    }
  }

  /** From the attempt to the end of the link. */
  async #connection(): Promise<void> {
    const beganAt = performance.now()
    const link = await this.#connect()
    this.#link = link
    this.#sinceMs = Date.now()
    this.#failed = false
    this.#listener.onLink(link, beganAt)
    this.#listener.onChange()
    if (this.#stop.signal.aborted) link.close()
    const since = performance.now()
    const cause = await link.ended
    if (performance.now() - since >= STEADY_MS) this.#backoff.reset()
    this.#ended(cause, 'the connection to the CPNS Server was lost')
  }

  async #connect(): Promise<ServerLink> {
    this.#connecting = true
    try {
      return await this.#listener.open(this.address, this.#stop.signal)
    } finally {
      this.#connecting = false
    }
  }

  #ended(error: unknown, message: string): void {
    if (this.#link) {
      this.#sinceMs = Date.now()
      this.#lostAt = performance.now()
    }
    this.#link = undefined
    this.#failed = true
    if (this.#stop.signal.aborted) return
    this.#listener.onFailure(this.address, error, message)
    this.#listener.onChange()
  }
}
