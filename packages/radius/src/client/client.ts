// A RADIUS client for one server, over UDP (RFC 2865, RFC 5080) or TLS (RFC 6614).
// Leaves out failover between servers: who uses it may hold several clients.

import type { Attribute } from '../attribute.ts'
import { RadiusError } from '../errors.ts'
import { Code } from '../packet.ts'
import type { RequestCode } from '../request.ts'
import { SharedSecret } from '../secret.ts'
import type { Answer } from './answer.ts'
import { Lane } from './lane.ts'
import { type Retransmission, retransmissionWaits } from './retransmission.ts'
import { type TlsCredentials, tlsWire } from './tls.ts'
import { udpWire } from './udp.ts'
import type { OpenWire } from './wire.ts'

interface Target {
  readonly host: string
  readonly port: number
  /** Sockets or connections at once, of 256 requests each. Default 4. */
  readonly maxLanes?: number
}

export interface UdpClientOptions extends Target {
  readonly secret: SharedSecret
  readonly retransmission?: Retransmission
}

export interface TlsClientOptions extends Target {
  readonly tls: TlsCredentials
  /** How long an answer may take; the connection counts as dead then. Default 30 s. */
  readonly timeoutMs?: number
}

export type RadiusClientOptions = UdpClientOptions | TlsClientOptions

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
}

export class RadiusClient {
  readonly #options: RadiusClientOptions
  readonly #openWire: OpenWire
  readonly #secret: SharedSecret
  readonly #maxLanes: number
  #lanes: Lane[] = []
  #opening: Promise<void> | undefined
  #closed = false
  #ignored = 0

  /** Opens no socket yet: the first request does. */
  constructor(options: RadiusClientOptions) {
    this.#options = options
    this.#maxLanes = options.maxLanes ?? 4
    this.#openWire = 'tls' in options ? tlsWire(options, options.tls) : udpWire(options)
    this.#secret = 'tls' in options ? SharedSecret.radsec : options.secret
  }

  /** Packets that were malformed, forged or answered no request. */
  get ignored(): number {
    return this.#ignored
  }

  /**
   * Sends an Access-Request and resolves with its verified answer. Message-Authenticator is added.
   * @throws {RadiusError} RADIUS_NO_ANSWER, RADIUS_UNREACHABLE, RADIUS_BUSY, RADIUS_CLOSED
   * @throws the signal's reason
   * @throws {RangeError} the attributes are above 4096 octets
   */
  request(attributes: readonly Attribute[], options: RequestOptions = {}): Promise<Answer> {
    return this.#exchange(Code.AccessRequest, attributes, options)
  }

  /**
   * Asks whether the server is alive (Status-Server, RFC 5997).
   * @throws as `request` does
   */
  async status(options: RequestOptions = {}): Promise<void> {
    await this.#exchange(Code.StatusServer, [], options)
  }

  /** Closes all sockets; requests in flight fail with RADIUS_CLOSED. */
  close(): void {
    this.#closed = true
    for (const lane of this.#lanes) lane.close(closedError())
    this.#lanes = []
  }

  async #exchange(code: RequestCode, attributes: readonly Attribute[], { signal }: RequestOptions): Promise<Answer> {
    signal?.throwIfAborted()
    const { lane, identifier } = await this.#reserve()
    try {
      lane.prepare(identifier, code, attributes)
      for (const waitMs of this.#waits()) {
        const answer = await lane.transmit(identifier, waitMs, signal)
        if (answer) return answer
      }
    } finally {
      lane.release(identifier)
    }
    const { host, port } = this.#options
    const error = new RadiusError('RADIUS_NO_ANSWER', `No valid answer from the RADIUS server ${host}:${port}`)
    if ('tls' in this.#options) lane.close(error)
    throw error
  }

  /** UDP loses datagrams, so they are sent again; TLS does not, and nothing is sent twice (RFC 6613 section 2.6.1). */
  #waits(): Iterable<number> {
    const options = this.#options
    return 'tls' in options ? [options.timeoutMs ?? 30_000] : retransmissionWaits(options.retransmission ?? {})
  }

  async #reserve(): Promise<{ lane: Lane; identifier: number }> {
    for (;;) {
      if (this.#closed) throw closedError()
      const lane = this.#lanes.find((lane) => lane.hasRoom)
      if (lane) return { lane, identifier: lane.reserve() }
      this.#opening ??= this.#open().finally(() => {
        this.#opening = undefined
      })
      await this.#opening
    }
  }

  async #open(): Promise<void> {
    this.#lanes = this.#lanes.filter((lane) => lane.usable)
    if (this.#lanes.length >= this.#maxLanes) {
      throw new RadiusError('RADIUS_BUSY', `${this.#maxLanes * 256} RADIUS requests are in flight: try again later`)
    }
    const lane = await Lane.open(this.#openWire, this.#secret, () => {
      this.#ignored++
    })
    if (this.#closed) lane.close(closedError())
    else this.#lanes.push(lane)
  }
}

function closedError(): RadiusError {
  return new RadiusError('RADIUS_CLOSED', 'The RADIUS client was closed')
}
