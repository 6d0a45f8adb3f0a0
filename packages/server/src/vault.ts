// The vault: what the master key is for. It seals values for the store with AES-256-GCM (NIST SP 800-38D) and gives out
// the keys that replicas share. Each use has a subkey of its own (HKDF-SHA-256, RFC 5869); the master key itself does nothing else.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export const MASTER_KEY_OCTETS = 32
const NONCE_OCTETS = 12
const TAG_OCTETS = 16
const VERSION = 1

/** What is sealed; with the row's identity it ties a sealed value to its place. */
export type SealPurpose = 'first-seed' | 'gateway-secret' | 'radius-secret' | 'answer' | 'message'

/** A sealed value does not open: it was changed, belongs to another row, or was sealed under another master key. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly code = 'VAULT_CANNOT_OPEN'
}

export class Vault {
  readonly #sealingKey: Buffer
  readonly #challengeKey: Buffer
  readonly #conversationKey: Buffer
  readonly #operatorSessionKey: Buffer
  readonly #busKey: Buffer
  readonly #checkValue: Buffer

  /**
   * @param masterKey  32 octets; may be overwritten afterwards
   * @throws {RangeError} another length
   */
  constructor(masterKey: Uint8Array) {
    if (masterKey.length !== MASTER_KEY_OCTETS) throw new RangeError(`a master key has ${MASTER_KEY_OCTETS} octets`)
    this.#sealingKey = subkey(masterKey, 'vault sealing')
    this.#challengeKey = subkey(masterKey, 'vault challenge')
    this.#conversationKey = subkey(masterKey, 'vault conversation')
    this.#operatorSessionKey = subkey(masterKey, 'vault operator session')
    this.#busKey = subkey(masterKey, 'vault bus')
    this.#checkValue = subkey(masterKey, 'vault check')
  }

  /**
   * version (1) ‖ nonce (12) ‖ ciphertext ‖ tag (16). Nonces are random: one master key is good for 2^32 values.
   * @param rowIdentity  names the row that will hold the value, for ever: the value opens under no other
   */
  seal(purpose: SealPurpose, rowIdentity: string, plaintext: Uint8Array): Buffer {
    const nonce = randomBytes(NONCE_OCTETS)
    const cipher = createCipheriv('aes-256-gcm', this.#sealingKey, nonce)
    cipher.setAAD(place(purpose, rowIdentity))
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  /** @throws {VaultError} always the same, whatever is wrong */
  open(purpose: SealPurpose, rowIdentity: string, sealed: Uint8Array): Buffer {
    const end = sealed.length - TAG_OCTETS
    const start = 1 + NONCE_OCTETS
    try {
      if (end < start || sealed[0] !== VERSION) throw new RangeError('not a sealed value')
      const options = { authTagLength: TAG_OCTETS }
      const decipher = createDecipheriv('aes-256-gcm', this.#sealingKey, sealed.subarray(1, start), options)
      decipher.setAAD(place(purpose, rowIdentity))
      decipher.setAuthTag(sealed.subarray(end))
      return Buffer.concat([decipher.update(sealed.subarray(start, end)), decipher.final()])
    } catch (cause) {
      throw new VaultError(`a sealed value (${purpose}) does not open: restore database and master key together`, {
        cause,
      })
    }
  }

  /** 32 octets: the key under which all replicas of a server issue and verify challenges (docs/protocol.md). */
  challengeKey(): Buffer {
    return Buffer.from(this.#challengeKey)
  }

  /** 32 octets: the key under which all replicas keep a RADIUS conversation at the client. */
  conversationKey(): Buffer {
    return Buffer.from(this.#conversationKey)
  }

  /** 32 octets: the key under which all replicas vouch for the sessions of operators. */
  operatorSessionKey(): Buffer {
    return Buffer.from(this.#operatorSessionKey)
  }

  /** 32 octets: the key under which servers vouch for what they say to each other. */
  busKey(): Buffer {
    return Buffer.from(this.#busKey)
  }

  /** 32 octets that tell whether a database was written under this master key, and nothing about the key. */
  checkValue(): Buffer {
    return Buffer.from(this.#checkValue)
  }
}

function subkey(masterKey: Uint8Array, name: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', `opencpns/1 ${name}`, 32))
}

/** The additional authenticated data. JSON keeps the two parts apart whatever they hold. */
function place(purpose: SealPurpose, rowIdentity: string): Buffer {
  return Buffer.from(JSON.stringify([purpose, rowIdentity]))
}
