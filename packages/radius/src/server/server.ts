// A RADIUS server for EAP: one pipeline, fed by any number of UDP and TLS listeners.

import { type DiscardReason, Discards, type Log } from './discards.ts'
import { Duplicates } from './duplicates.ts'
import type { Source } from './exchange.ts'
import { Pipeline } from './pipeline.ts'
import type { FindClient, Handler } from './steps.ts'
import { listenTls, type TlsOptions } from './tls.ts'
import { type Listener, listenUdp, type UdpOptions } from './udp.ts'

export interface RadiusServerOptions {
  /** Who may ask over UDP. Over TLS the certificate tells. */
  readonly clients: FindClient
  readonly handle: Handler
  readonly logger?: Log
  /** Requests in asynchronous handling at once; more are discarded. Default 1,024. */
  readonly maxConcurrent?: number
  /** How long the handler may take. Default 10 s. */
  readonly handleTimeoutMs?: number
  /** Answers kept for requests that are sent again. Default 65,536. */
  readonly maxDuplicates?: number
  /** How long they are kept. Default 30 s. */
  readonly duplicateLifetimeMs?: number
  /** Closes the server. */
  readonly signal?: AbortSignal
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
}

export interface RadiusServerCounters {
  readonly received: number
  readonly answered: number
  /** Received and not answered, by reason. */
  readonly discarded: Record<DiscardReason, number>
}

const CLOSE_GRACE_MS = 2000

export function createRadiusServer(options: RadiusServerOptions): RadiusServer {
  return new RadiusServer(options)
}

export class RadiusServer {
  readonly #pipeline: Pipeline
  readonly #discards: Discards
  readonly #listeners = new Set<Listener>()
  readonly #logger: Log | undefined

  constructor(options: RadiusServerOptions) {
    const { clients, handle, logger, now = () => performance.now() } = options
    const duplicates = new Duplicates({
      maxAnswers: options.maxDuplicates ?? 65_536,
      lifetimeMs: options.duplicateLifetimeMs ?? 30_000,
    })
    this.#logger = logger
    this.#discards = new Discards(logger, now)
    this.#pipeline = new Pipeline({ clients, handle, duplicates, now }, this.#discards, {
      maxConcurrent: options.maxConcurrent ?? 1024,
      handleTimeoutMs: options.handleTimeoutMs ?? 10_000,
    })
    options.signal?.addEventListener('abort', () => void this.close(), { once: true })
  }

  /**
   * Listens on a UDP port.
   * @returns the address, with the port that was given
   * @throws {RadiusError} RADIUS_LISTEN_FAILED
   */
  listenUdp(options: UdpOptions): Promise<{ host: string; port: number }> {
    return this.#add(listenUdp((datagram, source) => this.receive(datagram, source), options, this.#logger))
  }

  /**
   * Listens on a TCP port for RADIUS over TLS.
   * @returns the address, with the port that was given
   * @throws {RadiusError} RADIUS_LISTEN_FAILED
   */
  listenTls(options: TlsOptions): Promise<{ host: string; port: number }> {
    return this.#add(listenTls((packet, source) => this.receive(packet, source), options))
  }

  /** Takes a packet from a transport of the caller's own. Never throws. */
  receive(datagram: Buffer, source: Source): void {
    this.#pipeline.receive(datagram, source)
  }

  counters(): RadiusServerCounters {
    const { received, answered } = this.#pipeline
    return { received, answered, discarded: this.#discards.counts() }
  }

  /** Takes no more requests, gives those in progress `graceMs` to be answered, closes all sockets. */
  async close({ graceMs = CLOSE_GRACE_MS }: { graceMs?: number } = {}): Promise<void> {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener.pause()
    let timer: NodeJS.Timeout | undefined
    const grace = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([this.#pipeline.settled(), grace])
    clearTimeout(timer)
    await Promise.all(listeners.map((listener) => listener.close()))
  }

  async #add(opening: Promise<Listener>): Promise<{ host: string; port: number }> {
    const listener = await opening
    this.#listeners.add(listener)
    return listener.address
  }
}
