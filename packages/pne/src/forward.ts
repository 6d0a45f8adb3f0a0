// A local TCP port that leads to a service of a gateway: each connection that is accepted is a secure session of its own,
// and its byte stream. What goes wrong with one connection ends that one alone.

import { createServer, type Server, type Socket } from 'node:net'
import { type Address, IoError, join, listenTcp, reset } from '@opencpns/io'
import { type ConnectOptions, connect } from './connect.ts'
import { PneError } from './errors.ts'
import type { Session } from './session.ts'
import { TransientKeys } from './transientKeys.ts'

/** Authentications at once: more would only be slower, each of them. */
const OPENING_MAX = 64
/** Connections at once; one more is closed as soon as it is accepted. */
const CONNECTIONS_MAX = 4096

export interface ForwardOptions extends Omit<ConnectOptions, 'service' | 'signal' | 'onStep'> {
  /** What the connections are for, 1 to 64 octets. */
  readonly service: string
  /** Where to accept them. Port 0: any free one. */
  readonly listen: Address
  /** Each session that was opened. */
  readonly onSession?: ((session: Session) => void) | undefined
  /** Why a connection got no session: a PneError. The next one may get one. */
  readonly onError?: ((error: unknown) => void) | undefined
}

export interface Forward {
  readonly address: Address
  readonly service: string
  /** Takes no more connections, and ends those that are there. Idempotent. */
  close(): Promise<void>
}

/**
 * Forwards a local port until it is closed. The gateway is asked only when a connection comes.
 * @throws {PneError} PORT_TAKEN, LISTEN_FAILED
 */
export async function forward({ listen, onSession, onError, ...options }: ForwardOptions): Promise<Forward> {
  const transientKeys = options.transientKeys ?? new TransientKeys()
  const open = (signal: AbortSignal) => connect({ ...options, transientKeys, signal })
  return forwardBy(open, { service: options.service, listen, onSession, onError })
}

/** The same, where the caller opens the sessions. @throws {PneError} PORT_TAKEN, LISTEN_FAILED */
export async function forwardBy(open: OpenSession, options: Acceptance): Promise<Forward> {
  const forwarder = new Forwarder(open, options)
  return { address: await forwarder.listen(), service: options.service, close: () => forwarder.close() }
}

type OpenSession = (signal: AbortSignal) => Promise<Session>
type Acceptance = Pick<ForwardOptions, 'service' | 'listen' | 'onSession' | 'onError'>

class Forwarder {
  readonly #openSession: OpenSession
  readonly #options: Acceptance
  readonly #server: Server
  readonly #stop = new AbortController()
  readonly #connections = new Set<Promise<void>>()
  readonly #sessions = new Set<Session>()
  #opening = 0
  readonly #waiting: (() => void)[] = []
  // The first goes ahead alone: at a gateway that has to ask the CPNS Server it brings the TK that serves the others.
  #openingMax = 1

  constructor(open: OpenSession, options: Acceptance) {
    this.#openSession = open
    this.#options = options
    // Paused: what the client says waits in the kernel until there is a session for it.
    const how = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true }
    this.#server = createServer(how, (client) => this.#accept(client))
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  async listen(): Promise<Address> {
    try {
      const { host, port } = await listenTcp(this.#server, this.#options.listen)
      return { host, port }
    } catch (error) {
      throw listenError(error)
    }
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#stop.abort()
    for (const { stream } of this.#sessions) reset(stream)
    await Promise.all(this.#connections)
  }

  #accept(client: Socket): void {
    const served = this.#serve(client).finally(() => this.#connections.delete(served))
    this.#connections.add(served)
  }

  async #serve(client: Socket): Promise<void> {
    client.on('error', () => {}) // 'close' follows
    let session: Session
    try {
      session = await this.#open()
    } catch (error) {
      reset(client)
      if (!this.#stop.signal.aborted) this.#options.onError?.(error)
      return
    }
    this.#sessions.add(session)
    this.#options.onSession?.(session)
    await join(client, session.stream)
    this.#sessions.delete(session)
  }

  /** Waits for its turn, then authenticates: the deadline of the flow begins with the flow. */
  async #open(): Promise<Session> {
    if (this.#opening < this.#openingMax) this.#opening++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await this.#openSession(this.#stop.signal)
    } finally {
      this.#opening--
      this.#openingMax = OPENING_MAX
      this.#letNextOpen()
    }
  }

  #letNextOpen(): void {
    while (this.#opening < this.#openingMax) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#opening++
      next()
    }
  }
}

function listenError(error: unknown): unknown {
  if (!(error instanceof IoError)) return error
  const code = error.code === 'PORT_TAKEN' ? 'PORT_TAKEN' : 'LISTEN_FAILED'
  return new PneError(code, error.message, { cause: error })
}
