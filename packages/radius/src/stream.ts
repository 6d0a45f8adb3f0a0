// RADIUS packets in a stream (RFC 6613 section 2.6, RFC 6614): the Length field of each is the frame. Nothing is padded there.

import { packetLength } from './packet.ts'

const LENGTH_ENDS_AT = 4

/** Cuts a stream into packets. Keeps less than one packet between chunks. */
export class PacketSplitter {
  #rest: Buffer = Buffer.alloc(0)

  /** Whether a packet has begun and not ended. */
  get midPacket(): boolean {
    return this.#rest.length > 0
  }

  /**
   * The packets that `chunk` completes, as views.
   * @throws {RadiusError} RADIUS_MALFORMED: a Length outside 20 to 4096; the stream is lost then
   */
  *push(chunk: Buffer): Generator<Buffer> {
    let octets = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (octets.length >= LENGTH_ENDS_AT) {
      const length = packetLength(octets)
      if (octets.length < length) break
      yield octets.subarray(0, length)
      octets = octets.subarray(length)
    }
    // A copy, so that a few octets do not keep a whole chunk in memory.
    this.#rest = Buffer.from(octets)
  }
}
