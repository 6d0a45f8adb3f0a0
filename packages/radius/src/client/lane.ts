// One wire with its 256 identifiers: finds the request that a packet answers, and ignores packets that answer none.

import type { Attribute } from '../attribute.ts'
import { RadiusError } from '../errors.ts'
import { decodePacket, type Packet } from '../packet.ts'
import { encodeRequest, type RequestCode, type SentRequest } from '../request.ts'
import { checkResponse } from '../response.ts'
import type { SharedSecret } from '../secret.ts'
import { Answer } from './answer.ts'
import type { OpenWire, Wire } from './wire.ts'

const IDENTIFIERS = 256

interface Waiting {
  resolve(answer: Answer | undefined): void
  reject(error: unknown): void
}

interface Slot {
  request?: SentRequest
  waiting?: Waiting | undefined
}

export class Lane {
  readonly #secret: SharedSecret
  readonly #slots = new Map<number, Slot>()
  readonly #onIgnored: () => void
  #wire: Wire | undefined
  #next = 0
  #broken: RadiusError | undefined

  private constructor(secret: SharedSecret, onIgnored: () => void) {
    this.#secret = secret
    this.#onIgnored = onIgnored
  }

  /** @throws {RadiusError} RADIUS_UNREACHABLE */
  static async open(openWire: OpenWire, secret: SharedSecret, onIgnored: () => void): Promise<Lane> {
    const lane = new Lane(secret, onIgnored)
    lane.#wire = await openWire({
      onPacket: (octets) => lane.#receive(octets),
      onBroken: (cause) => {
        lane.close(new RadiusError('RADIUS_UNREACHABLE', 'The connection to the RADIUS server broke', { cause }))
      },
    })
    if (lane.#broken) throw lane.#broken
    return lane
  }

  get usable(): boolean {
    return this.#broken === undefined
  }

  get hasRoom(): boolean {
    return this.usable && this.#slots.size < IDENTIFIERS
  }

  /** Takes an identifier, the one that was free longest; `release` gives it back. */
  reserve(): number {
    while (this.#slots.has(this.#next)) this.#next = (this.#next + 1) % IDENTIFIERS
    const identifier = this.#next
    this.#next = (identifier + 1) % IDENTIFIERS
    this.#slots.set(identifier, {})
    return identifier
  }

  release(identifier: number): void {
    this.#slots.delete(identifier)
  }

  /** @throws {RangeError} above 4096 octets */
  prepare(identifier: number, code: RequestCode, attributes: readonly Attribute[]): void {
    this.#slot(identifier).request = encodeRequest(code, identifier, attributes, this.#secret)
  }

  /**
   * Sends the prepared request (again: the same octets) and waits for its answer; undefined when `waitMs` are over.
   * @throws {RadiusError} RADIUS_UNREACHABLE, RADIUS_CLOSED; the signal's reason
   */
  async transmit(identifier: number, waitMs: number, signal: AbortSignal | undefined): Promise<Answer | undefined> {
    signal?.throwIfAborted()
    if (this.#broken) throw this.#broken
    const slot = this.#slot(identifier)
    const { promise, resolve, reject } = Promise.withResolvers<Answer | undefined>()
    slot.waiting = { resolve, reject }
    const timer = setTimeout(resolve, waitMs, undefined)
    const abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    this.#wire?.send((slot.request as SentRequest).octets)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      slot.waiting = undefined
    }
  }

  /** Closes the wire; what waits for an answer fails with `error`. */
  close(error: RadiusError): void {
    if (this.#broken) return
    this.#broken = error
    this.#wire?.close()
    for (const { waiting } of this.#slots.values()) waiting?.reject(error)
  }

  #slot(identifier: number): Slot {
    return this.#slots.get(identifier) as Slot
  }

  /** Whatever is malformed, unmatched or forged is as if it had not come: the true answer may follow. RFC 2865 section 3. */
  #receive(octets: Buffer): void {
    const found = this.#verified(octets)
    if (!found) {
      this.#onIgnored()
      return
    }
    const { packet, request, waiting } = found
    try {
      waiting.resolve(new Answer(packet, request, this.#secret))
    } catch (error) {
      waiting.reject(error)
    }
  }

  #verified(octets: Buffer): { packet: Packet; request: SentRequest; waiting: Waiting } | undefined {
    try {
      const packet = decodePacket(octets)
      const { request, waiting } = this.#slots.get(packet.identifier) ?? {}
      if (!request || !waiting) return undefined
      checkResponse(packet, request, this.#secret)
      return { packet, request, waiting }
    } catch (error) {
      if (error instanceof RadiusError) return undefined
      throw error
    }
  }
}
