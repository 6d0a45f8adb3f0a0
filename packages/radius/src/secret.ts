// The secret that a RADIUS client and server share (RFC 2865 section 3), and the two sums that RADIUS makes with it.
// It shows itself neither to inspect nor to JSON.

import { hash } from 'node:crypto'
import { MAX_PACKET_OCTETS } from './packet.ts'

const BLOCK_OCTETS = 64
const DIGEST_OCTETS = 16
const SECRET_MAX_OCTETS = 4096
const ROOM_OCTETS = SECRET_MAX_OCTETS + MAX_PACKET_OCTETS

/** What is to be hashed is put together here: a packet and a secret fit, and nothing is allocated for it. */
const room = Buffer.allocUnsafeSlow(ROOM_OCTETS)

/** Build it once for each client and keep it: hashing with it then costs no set-up. */
export class SharedSecret {
  readonly #octets: Buffer
  readonly #innerPad: Buffer
  readonly #outerPad: Buffer

  private constructor(octets: Buffer) {
    this.#octets = octets
    const key = octets.length > BLOCK_OCTETS ? md5Of(octets) : octets
    this.#innerPad = padded(key, 0x36)
    this.#outerPad = padded(key, 0x5c)
  }

  /**
   * @param secret text (as UTF-8) or octets, 1 to 4,096; RFC 2865 section 3 asks for 16
   * @throws {RangeError} an empty secret, which would let anybody in, or one that is too long
   */
  static of(secret: string | Uint8Array): SharedSecret {
    const octets = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : Buffer.from(secret)
    if (octets.length === 0) throw new RangeError('The RADIUS shared secret is empty: give one of 16 octets or more')
    if (octets.length > SECRET_MAX_OCTETS) throw new RangeError('A RADIUS shared secret has at most 4,096 octets')
    return new SharedSecret(octets)
  }

  /** The fixed secret of RADIUS over TLS, where TLS does the protecting. RFC 6614 section 2.3. */
  static readonly radsec: SharedSecret = SharedSecret.of('radsec')

  /** HMAC-MD5 (RFC 2104): Message-Authenticator. As two hashes in one shot each it costs half of what createHmac does. */
  hmacMd5(octets: Uint8Array): Buffer {
    room.set(this.#innerPad)
    room.set(octets, BLOCK_OCTETS)
    const inner = md5(BLOCK_OCTETS + octets.length)
    room.set(this.#outerPad)
    room.write(inner, BLOCK_OCTETS, 'latin1')
    return Buffer.from(md5(BLOCK_OCTETS + DIGEST_OCTETS), 'latin1')
  }

  /** MD5(octets || secret): Response Authenticator, RFC 2865 section 3. */
  md5After(octets: Uint8Array): Buffer {
    return md5Of(octets, this.#octets)
  }

  /** MD5(secret || first || second): the key stream of RFC 2548 section 2.4.2. */
  md5Before(first: Uint8Array, second: Uint8Array): Buffer {
    return md5Of(this.#octets, first, second)
  }
}

function md5Of(...parts: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const part of parts) {
    room.set(part, length)
    length += part.length
  }
  return Buffer.from(md5(length), 'latin1')
}

/** MD5 over so many octets of the room. As a string: a digest as Buffer takes longer than its hash. */
function md5(length: number): string {
  return hash('md5', room.subarray(0, length), 'latin1')
}

/** K XOR ipad or opad of RFC 2104, where K is filled up with zeros to a block. */
function padded(key: Uint8Array, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK_OCTETS, pad)
  for (const [i, octet] of key.entries()) block[i] = octet ^ pad
  return block
}
