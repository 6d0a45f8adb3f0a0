// Reads octets in order. No length is trusted before it is checked; what it returns are views, not copies.

import { EapError } from './errors.ts'

export class Reader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Uint8Array) {
    this.#octets = Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  }

  /** @throws {EapError} EAP_MALFORMED: fewer than `length` octets are left */
  take(length: number): Buffer {
    const at = this.#pass(length)
    return this.#octets.subarray(at, at + length)
  }

  /** An unsigned integer of `length` octets (1 to 6), big-endian. */
  uint(length: number): number {
    return this.#octets.readUIntBE(this.#pass(length), length)
  }

  /** How many octets were read: where the next field begins. */
  get position(): number {
    return this.#at
  }

  /** @throws {EapError} EAP_MALFORMED: octets are left */
  end(): void {
    const left = this.#octets.length - this.#at
    if (left > 0) throw new EapError('EAP_MALFORMED', `${left} octets follow the last field`)
  }

  /** Goes past so many octets, and tells where they begin. */
  #pass(length: number): number {
    const at = this.#at
    const end = at + length
    if (end > this.#octets.length) {
      throw new EapError('EAP_MALFORMED', `The packet ends ${end - this.#octets.length} octets before its field does`)
    }
    this.#at = end
    return at
  }
}
