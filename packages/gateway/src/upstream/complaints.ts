// What goes wrong between a gateway and its servers, in the log: one line at first and then one so often, however often it goes wrong.

import type { Logger } from '@opencpns/io'

const INTERVAL_MS = 60_000
const ABOUT_MAX = 100

export class Complaints {
  readonly #logger: Logger
  readonly #gateway: string
  readonly #toldAt = new Map<string, number>()
  #closed = false

  /** @param gateway  its identity */
  constructor(logger: Logger, gateway: string) {
    this.#logger = logger
    this.#gateway = gateway
  }

  /** @param about  a server, or what else fails: each has its own line, so often; those between are for `debug` */
  tell(about: string, error: unknown, message: string): void {
    if (this.#closed) return
    const reason = error instanceof Error ? error.message : 'the server closed it'
    const facts = { event: 'server-lost', gateway: this.#gateway, server: about, reason }
    const now = performance.now()
    const often = now - (this.#toldAt.get(about) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS
    if (this.#toldAt.size > ABOUT_MAX) this.#toldAt.clear()
    if (!often) this.#toldAt.set(about, now)
    this.#logger[often ? 'debug' : 'warn'](facts, message)
  }

  /** It went well: the next time is told at once. */
  forget(about: string): void {
    this.#toldAt.delete(about)
  }

  /** From now on nothing is worth a line. */
  close(): void {
    this.#closed = true
  }
}
