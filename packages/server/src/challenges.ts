// Challenges without memory: GPSK-1 packets whose RAND_Server certifies itself (docs/protocol.md section 5.4).
// Any replica with the same master key can check what another one issued.

import { randomFillSync } from 'node:crypto'
import { CIPHERSUITES, EapError, type Gpsk1, parseGpsk1, writeGpsk1 } from '@opencpns/eap'
import { checkRandServer, makeRandServer } from '@opencpns/protocol'

/** The same in every challenge: each goes to a PNE of its own, so there is no other to tell it from. */
const IDENTIFIER = 1
const RANDOM_OCTETS = 12

export type ChallengeVerdict =
  | { readonly verdict: 'valid'; readonly issued: Gpsk1 }
  | { readonly verdict: 'expired' | 'forged' }

export class Challenges {
  readonly #key: Uint8Array
  readonly #idServer: Buffer

  /**
   * @param key   the challenge key, 32 octets, that all replicas share
   * @param realm of this server, whose ID_Server is `cpns-server@realm`
   */
  constructor(key: Uint8Array, realm: string) {
    this.#key = key
    this.#idServer = Buffer.from(`cpns-server@${realm}`)
  }

  /** A GPSK-1 packet for one use by this gateway. @param nowS seconds since the epoch */
  issue(gateway: string, nowS: number): Buffer {
    const random = randomFillSync(Buffer.allocUnsafe(RANDOM_OCTETS))
    return this.#write(makeRandServer({ key: this.#key, gateway }, nowS, random))
  }

  /** Whether this GPSK-1 packet is one that a replica issued to this gateway, octet by octet, and young enough. */
  check(packet: Uint8Array, gateway: string, nowS: number): ChallengeVerdict {
    const issued = this.#parse(packet)
    if (issued === undefined) return { verdict: 'forged' }
    const verdict = checkRandServer({ key: this.#key, gateway }, issued.randServer, nowS)
    return verdict === 'valid' ? { verdict, issued } : { verdict }
  }

  #parse(packet: Uint8Array): Gpsk1 | undefined {
    try {
      const issued = parseGpsk1(packet)
      return Buffer.compare(this.#write(issued.randServer), packet) === 0 ? issued : undefined
    } catch (error) {
      if (error instanceof EapError) return undefined
      throw error
    }
  }

  #write(randServer: Uint8Array): Buffer {
    return writeGpsk1({ identifier: IDENTIFIER, idServer: this.#idServer, randServer, csuiteList: CIPHERSUITES })
  }
}
