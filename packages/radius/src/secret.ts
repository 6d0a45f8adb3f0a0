// The secret that a RADIUS client and server share (RFC 2865 section 3), and the two sums that RADIUS makes with it.
// It shows itself neither to inspect nor to JSON.

import { createHmac, createSecretKey, type Hmac, hash, type KeyObject } from 'node:crypto'

/** Build it once for each client and keep it: hashing with it then costs no set-up. */
export class SharedSecret {
  readonly #octets: Buffer
  readonly #key: KeyObject

  private constructor(octets: Buffer) {
    this.#octets = octets
    this.#key = createSecretKey(octets)
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

  hmacMd5(): Hmac {
    return createHmac('md5', this.#key)
  }

  /** MD5(octets || secret): Response Authenticator, RFC 2865 section 3. */
  md5After(octets: Uint8Array): Buffer {
    return hash('md5', Buffer.concat([octets, this.#octets]), 'buffer')
  }

  /** MD5(secret || first || second): the key stream of RFC 2548 section 2.4.2. */
  md5Before(first: Uint8Array, second: Uint8Array): Buffer {
    return hash('md5', Buffer.concat([this.#octets, first, second]), 'buffer')
  }
}
