// The device's credential and the states of its file. docs/protocol.md section 4.3 wants each of them durable before the
// next message:   pairing (the device nonce)  →  unconfirmed (the keys as well)  →  confirmed (the keys alone)

import { parseGatewayIdentity } from '@opencpns/protocol'
import { type CredentialFields, readCredentialFile, type Unfinished, writeCredentialFile } from './credentialFile.ts'
import { PneError } from './errors.ts'

/** What names a device and proves it. `inspect`, JSON and templates show no secret. */
export class Credential {
  readonly pneId: string
  readonly realm: string
  /** The gateway that assigned the key: the only one that may offer the local case. */
  readonly gateway: string
  /** 32 octets; public, names the PNE. */
  readonly secondSeed: Uint8Array
  /** Whether the gateway has activated the key, as far as this device knows. */
  readonly confirmed: boolean
  /** Where it was read from or written to. */
  readonly file: string | undefined
  readonly #euKey: Uint8Array

  /** @throws {TypeError} a key or a seed that is not 32 octets long: a caller's bug */
  constructor(fields: CredentialFields, { confirmed = true, file }: { confirmed?: boolean; file?: string } = {}) {
    if (fields.secondSeed.length !== 32 || fields.euKey.length !== 32)
      throw new TypeError('seeds and keys are 32 octets')
    if (!parseGatewayIdentity(fields.gateway)) throw new TypeError('gateway must be the identity of a gateway')
    this.pneId = fields.pneId
    this.realm = fields.realm
    this.gateway = fields.gateway
    this.secondSeed = fields.secondSeed
    this.confirmed = confirmed
    this.file = file
    this.#euKey = fields.euKey
  }

  /** 32 octets, secret. */
  get euKey(): Uint8Array {
    return this.#euKey
  }

  toJSON(): object {
    const { pneId, realm, gateway, confirmed } = this
    return { pneId, realm, gateway, secondSeed: Buffer.from(this.secondSeed).toString('base64url'), confirmed }
  }

  toString(): string {
    return `credential of ${this.pneId}, assigned by ${this.gateway}`
  }
}

/**
 * Reads the credential that `pair` wrote. One that the gateway has not confirmed yet will do: it authenticates only if
 * the gateway has activated it, and that confirms it.
 * @throws {PneError} CREDENTIAL_MISSING (also when pairing was cut off before the keys came), CREDENTIAL_UNREADABLE,
 *   CREDENTIAL_TOO_OPEN, CREDENTIAL_CORRUPT
 */
export async function readCredential(file: string): Promise<Credential> {
  const content = await readCredentialFile(file)
  if (!content) {
    throw new PneError('CREDENTIAL_MISSING', `there is no credential in ${file}: make one with: opencpns pne pair URI`)
  }
  if (content.state === 'pairing') {
    throw new PneError(
      'CREDENTIAL_MISSING',
      `the pairing in ${file} was cut off: run again, with the same URI: opencpns pne pair URI --credential ${file}`,
    )
  }
  return new Credential(content, { confirmed: content.state === undefined, file })
}

/**
 * What an earlier `pair` left in this file, if it was cut off.
 * @throws {PneError} CREDENTIAL_EXISTS: a confirmed credential, which is never overwritten; what reading it throws
 */
export async function readUnfinished(file: string): Promise<Unfinished | undefined> {
  const content = await readCredentialFile(file)
  if (!content || content.state !== undefined) return content
  throw new PneError(
    'CREDENTIAL_EXISTS',
    `${file} already holds the credential of ${content.pneId}, assigned by ${content.gateway}: ` +
      'choose another file, or move this one away if the device shall be paired anew',
  )
}

/** The device's part of a pairing: on disk before it is sent. */
export async function writePairing(file: string, unfinished: Unfinished): Promise<void> {
  const { gateway, ticketId, deviceNonce } = unfinished
  await writeCredentialFile(file, { state: 'pairing', gateway, ticketId, deviceNonce })
}

/** The keys, and still the device nonce: another attempt may need it. On disk before AssignmentConfirmation. */
export async function writeUnconfirmed(file: string, of: CredentialFields & Unfinished): Promise<void> {
  await writeCredentialFile(file, { ...of, state: 'unconfirmed' })
}

/** The gateway has activated the key: from now on the file is not overwritten. */
export async function writeConfirmed(file: string, credential: CredentialFields): Promise<Credential> {
  const { pneId, realm, gateway, secondSeed, euKey } = credential
  const fields = { pneId, realm, gateway, secondSeed, euKey }
  await writeCredentialFile(file, { state: undefined, ...fields })
  return new Credential(fields, { file })
}

/** Confirms a credential that has just authenticated, if its file still holds this very one, unconfirmed. */
export async function confirm(credential: Credential): Promise<void> {
  if (credential.confirmed || credential.file === undefined) return
  const content = await readCredentialFile(credential.file)
  if (content?.state !== 'unconfirmed' || Buffer.compare(content.secondSeed, credential.secondSeed) !== 0) return
  await writeConfirmed(credential.file, content)
}
