// Challenges without memory: GPSK-1 packets whose RAND_Server certifies itself (docs/protocol.md section 5.4).
// Any replica with the same master key can check what another one issued.

import { CIPHERSUITES, type Gpsk1, parseGpsk1, RAND_OCTETS, writeGpsk1 } from '@opencpns/eap'
import { checkRandServer, makeRandServer } from '@opencpns/protocol'
import { randomOctets } from './random.ts'

/** The same in every challenge of a pool: each goes to a PNE of its own, so there is no other to tell it from. */
const IDENTIFIER = 1
const RANDOM_OCTETS = 12

export type ChallengeVerdict =
  | { readonly verdict: 'valid'; readonly issued: Gpsk1 }
  | { readonly verdict: 'expired' | 'forged' }

const FORGED: ChallengeVerdict = { verdict: 'forged' }

export class Challenges {
  readonly #key: Uint8Array
  readonly #idServer: Buffer
  /** A challenge of ours, and where its RAND_Server begins: all else is the same in each. */
  readonly #example: Buffer
  readonly #randAt: number

  /**
   * @param key   the challenge key, 32 octets, that all replicas share
   * @param realm of this server, whose ID_Server is `cpns-server@realm`
   */
  constructor(key: Uint8Array, realm: string) {
    this.#key = key
    this.#idServer = Buffer.from(`cpns-server@${realm}`)
    this.#example = writeGpsk1(this.#message(IDENTIFIER, Buffer.alloc(RAND_OCTETS)))
    this.#randAt = parseGpsk1(this.#example).randServer.byteOffset - this.#example.byteOffset
  }

  /** A GPSK-1 packet for one use by this gateway. @param nowS seconds since the epoch */
  issue(gateway: string, nowS: number): Buffer {
    return writeGpsk1(this.make(gateway, IDENTIFIER, nowS))
  }

  /** Whether this GPSK-1 packet is one that a replica issued to this gateway, octet by octet, and young enough. */
  check(packet: Uint8Array, gateway: string, nowS: number): ChallengeVerdict {
    const randEnd = this.#randAt + RAND_OCTETS
    if (packet.length !== this.#example.length || !this.#isLikeExample(packet, 0, this.#randAt)) return FORGED
    if (!this.#isLikeExample(packet, randEnd, packet.length)) return FORGED
    return this.checkRand(packet.subarray(this.#randAt, randEnd), gateway, IDENTIFIER, nowS)
  }

  /**
   * GPSK-1 where the whole conversation goes through the server.
   * @param scope      whom it is for; RAND_Server certifies that
   * @param identifier of the EAP packet
   */
  make(scope: string, identifier: number, nowS: number): Gpsk1 {
    return this.#message(
      identifier,
      makeRandServer({ key: this.#key, gateway: scope }, nowS, randomOctets(RANDOM_OCTETS)),
    )
  }

  /** Whether a replica made a GPSK-1 with this RAND_Server for this scope, and which, if it had this identifier. */
  checkRand(randServer: Uint8Array, scope: string, identifier: number, nowS: number): ChallengeVerdict {
    const verdict = checkRandServer({ key: this.#key, gateway: scope }, randServer, nowS)
    return verdict === 'valid' ? { verdict, issued: this.#message(identifier, randServer) } : { verdict }
  }

  #isLikeExample(packet: Uint8Array, from: number, to: number): boolean {
    return this.#example.compare(packet, from, to, from, to) === 0
  }

  #message(identifier: number, randServer: Uint8Array): Gpsk1 {
    return { identifier, idServer: this.#idServer, randServer, csuiteList: CIPHERSUITES }
  }
}
