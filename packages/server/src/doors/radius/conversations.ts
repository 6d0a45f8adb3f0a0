// What must outlive a request, in the State attribute (RFC 2865 section 5.24) at the RADIUS client: the awaited GPSK-4.
// Sealed with AES-256-GCM (NIST SP 800-38D) and tied to the gateway and the PNE, so any replica can go on, and nobody else.
//
//   time (4, seconds since the epoch) || nonce (12) || ciphertext (82 or 98) || tag (16)        130 octets at most

import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { type AwaitedGpsk4, decodeAwaitedGpsk4, encodeAwaitedGpsk4 } from '@opencpns/eap'
import { CHALLENGE_SKEW_S } from '@opencpns/protocol'
import { randomOctets } from '../../random.ts'
import { Refusal } from '../../refusal.ts'

/** How long the PNE may take for GPSK-4; more than the clocks of two replicas may be apart. */
const CONVERSATION_LIFETIME_S = 120

/** A key serves for an hour, so that random nonces stay far from the 2^32 which are the most for one key. */
const EPOCH_S = 3600

const CIPHER = 'aes-256-gcm'
const TIME_OCTETS = 4
const NONCE_OCTETS = 12
const TAG_OCTETS = 16
const HEADER_OCTETS = TIME_OCTETS + NONCE_OCTETS

export class Conversations {
  readonly #key: Uint8Array
  /** The keys of this hour and of the one before or after. */
  readonly #epochKeys = new Map<number, KeyObject>()

  /** @param key  the conversation key, 32 octets, that all replicas share */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** @param scope  gateway and PNE, as one text for each pair: State opens for no other */
  seal(awaited: AwaitedGpsk4, scope: string, nowS: number): Buffer {
    const nonce = randomOctets(NONCE_OCTETS)
    const time = Buffer.allocUnsafe(TIME_OCTETS)
    time.writeUInt32BE(nowS)
    const cipher = createCipheriv(CIPHER, this.#epochKey(nowS), nonce, { authTagLength: TAG_OCTETS })
    cipher.setAAD(associated(time, scope))
    const ciphertext = cipher.update(encodeAwaitedGpsk4(awaited))
    cipher.final()
    return Buffer.concat([time, nonce, ciphertext, cipher.getAuthTag()])
  }

  /** @throws {Refusal} STATE_EXPIRED; STATE_FORGED: changed, or of another gateway or PNE */
  open(state: Buffer, scope: string, nowS: number): AwaitedGpsk4 {
    const end = state.length - TAG_OCTETS
    if (end < HEADER_OCTETS) throw new Refusal('STATE_FORGED')
    const timeS = state.readUInt32BE()
    const ageS = nowS - timeS
    if (ageS < -CHALLENGE_SKEW_S || ageS > CONVERSATION_LIFETIME_S) throw new Refusal('STATE_EXPIRED')
    const nonce = state.subarray(TIME_OCTETS, HEADER_OCTETS)
    const decipher = createDecipheriv(CIPHER, this.#epochKey(timeS), nonce, { authTagLength: TAG_OCTETS })
    decipher.setAAD(associated(state.subarray(0, TIME_OCTETS), scope))
    decipher.setAuthTag(state.subarray(end))
    const plaintext = decipher.update(state.subarray(HEADER_OCTETS, end))
    try {
      decipher.final()
    } catch {
      throw new Refusal('STATE_FORGED')
    }
    return decodeAwaitedGpsk4(plaintext)
  }

  #epochKey(timeS: number): KeyObject {
    const epoch = Math.floor(timeS / EPOCH_S)
    const known = this.#epochKeys.get(epoch)
    if (known !== undefined) return known
    const made = createSecretKey(Buffer.from(hkdfSync('sha256', this.#key, '', `opencpns/1 conversation ${epoch}`, 32)))
    for (const other of this.#epochKeys.keys()) if (Math.abs(other - epoch) > 1) this.#epochKeys.delete(other)
    this.#epochKeys.set(epoch, made)
    return made
  }
}

function associated(time: Uint8Array, scope: string): Buffer {
  return Buffer.concat([time, Buffer.from(scope)])
}
