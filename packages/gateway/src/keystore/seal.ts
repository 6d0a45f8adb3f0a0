// Seals what the gateway keeps on disk: AES-256-GCM (NIST SP 800-38D) under the storage key, bound to the row it is in.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const NONCE_OCTETS = 12
const TAG_OCTETS = 16
const options = { authTagLength: TAG_OCTETS }

/** What is sealed: a value sealed for one purpose opens for no other. */
type Purpose = 'eukey' | 'ticket secret' | 'storage key check'

export class Seal {
  readonly #storageKey: Uint8Array

  /** @param storageKey 32 octets */
  constructor(storageKey: Uint8Array) {
    this.#storageKey = storageKey
  }

  /**
   * nonce (12) || ciphertext || tag (16). Nonces are random: one storage key is good for 2^32 values.
   * @param row the octets that name the row: the 2nd seed, the ticket id
   */
  close(purpose: Purpose, row: Uint8Array, plaintext: Uint8Array): Buffer {
    const nonce = randomBytes(NONCE_OCTETS)
    const cipher = createCipheriv('aes-256-gcm', this.#storageKey, nonce, options)
    cipher.setAAD(additionalData(purpose, row))
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  /** @throws {Error} another key, another row, or changed octets */
  open(purpose: Purpose, row: Uint8Array, sealed: Uint8Array): Buffer {
    const end = Math.max(sealed.length - TAG_OCTETS, NONCE_OCTETS)
    const decipher = createDecipheriv('aes-256-gcm', this.#storageKey, sealed.subarray(0, NONCE_OCTETS), options)
    decipher.setAAD(additionalData(purpose, row))
    decipher.setAuthTag(sealed.subarray(end))
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_OCTETS, end)), decipher.final()])
  }
}

/** The purpose holds no zero octet, so the two parts stay apart. */
function additionalData(purpose: Purpose, row: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${purpose}\0`), row])
}
