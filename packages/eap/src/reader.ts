// Reads octets in order. No length is trusted before it is checked; what it returns are views, not copies.

import { EapError } from './errors.ts'

export class Reader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Uint8Array) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  }

  /** @throws {EapError} EAP_MALFORMED: fewer than `length` octets are left */
  take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#octets.length) {
      throw new EapError('EAP_MALFORMED', `The packet ends ${end - this.#octets.length} octets before its field does`)
    }
    const taken = this.#octets.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** An unsigned integer of `length` octets (1 to 6), big-endian. */
  uint(length: number): number {
    return this.take(length).readUIntBE(0, length)
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
}
