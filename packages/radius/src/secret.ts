// The secret that a RADIUS client and server share (RFC 2865 section 3), and the two sums that RADIUS makes with it.
// It shows itself neither to inspect nor to JSON.

import { hash } from 'node:crypto'

const BLOCK_OCTETS = 64

/** Build it once for each client and keep it: hashing with it then costs no set-up. */
export class SharedSecret {
  readonly #octets: Buffer
  readonly #innerPad: Buffer
  readonly #outerPad: Buffer

  private constructor(octets: Buffer) {
    this.#octets = octets
    const key = octets.length > BLOCK_OCTETS ? md5(octets) : octets
    this.#innerPad = padded(key, 0x36)
    this.#outerPad = padded(key, 0x5c)
  }

  /**
   * @param secret text (as UTF-8) or octets, 1 or more; RFC 2865 section 3 asks for 16
   * @throws {RangeError} an empty secret, which would let anybody in
   */
  static of(secret: string | Uint8Array): SharedSecret {
    const octets = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : Buffer.from(secret)
    if (octets.length === 0) throw new RangeError('The RADIUS shared secret is empty: give one of 16 octets or more')
    return new SharedSecret(octets)
  }

  /** The fixed secret of RADIUS over TLS, where TLS does the protecting. RFC 6614 section 2.3. */
  static readonly radsec: SharedSecret = SharedSecret.of('radsec')

  /** HMAC-MD5 (RFC 2104): Message-Authenticator. As two hashes in one shot each it costs half of what createHmac does. */
  hmacMd5(octets: Uint8Array): Buffer {
    return md5(this.#outerPad, md5(this.#innerPad, octets))
  }

  /** MD5(octets || secret): Response Authenticator, RFC 2865 section 3. */
  md5After(octets: Uint8Array): Buffer {
    return md5(octets, this.#octets)
  }

  /** MD5(secret || first || second): the key stream of RFC 2548 section 2.4.2. */
  md5Before(first: Uint8Array, second: Uint8Array): Buffer {
    return md5(this.#octets, first, second)
  }
}

/** MD5 over all parts. By way of a string, for a digest as Buffer takes longer than its hash. */
function md5(...parts: Uint8Array[]): Buffer {
  return Buffer.from(
    hash('md5', parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts), 'latin1'),
    'latin1',
  )
}

/** K XOR ipad or opad of RFC 2104, where K is filled up with zeros to a block. */
function padded(key: Uint8Array, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK_OCTETS, pad)
  for (const [i, octet] of key.entries()) block[i] = octet ^ pad
  return block
}
