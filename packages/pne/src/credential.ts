// The device's credential and the states of its file. docs/protocol.md section 4.3 wants each of them durable before the
// next message:   pairing (the device nonce)  →  unconfirmed (the key as well)  →  confirmed (the key alone)
// Later a rotation (section 4.2, keys.ts) puts the next key beside the current one, and then in its place.

import { parseGatewayIdentity } from '@opencpns/protocol'
import {
  type Content,
  type CredentialFields,
  type Key,
  readCredentialFile,
  type Unfinished,
  writeCredentialFile,
} from './credentialFile.ts'
import { PneError } from './errors.ts'

/** The keys of a device: during a rotation, the one that is to replace the current one as well. */
export interface Keys {
  readonly current: Key
  readonly next?: Key | undefined
}

/** Keeps what a rotation changes of a credential that is in no file. Resolves when it is durable. */
type Save = (fields: CredentialFields & { readonly next?: Key | undefined }) => Promise<void>

interface CredentialOptions {
  readonly confirmed?: boolean
  readonly file?: string | undefined
  readonly next?: Key | undefined
  readonly save?: Save | undefined
}

/** What names a device and proves it. `inspect`, JSON and templates show no secret. A rotation changes its keys. */
export class Credential {
  readonly pneId: string
  readonly realm: string
  /** The gateway that assigned the key: the only one that may offer the local case. */
  readonly gateway: string
  /** Where it was read from or written to. */
  readonly file: string | undefined
  /** Who keeps it instead. A credential that nobody keeps is not rotated. */
  readonly save: Save | undefined
  #keys: Keys
  #confirmed: boolean

  /** @throws {TypeError} a key or a seed that is not 32 octets long: a caller's bug */
  constructor(fields: CredentialFields, { confirmed = true, file, next, save }: CredentialOptions = {}) {
    const { secondSeed, euKey } = fields
    const keys: Keys = { current: { secondSeed, euKey }, ...(next && { next }) }
    if (keysOf(keys).some((key) => key.secondSeed.length !== 32 || key.euKey.length !== 32))
      throw new TypeError('seeds and keys are 32 octets')
    if (!parseGatewayIdentity(fields.gateway)) throw new TypeError('gateway must be the identity of a gateway')
    this.pneId = fields.pneId
    this.realm = fields.realm
    this.gateway = fields.gateway
    this.file = file
    this.save = save
    this.#keys = keys
    this.#confirmed = confirmed
  }

  /** 32 octets; public, names the PNE. Of the current key, as `euKey`. */
  get secondSeed(): Uint8Array {
    return this.#keys.current.secondSeed
  }

  /** 32 octets, secret. */
  get euKey(): Uint8Array {
    return this.#keys.current.euKey
  }

  get keys(): Keys {
    return this.#keys
  }

  /** Whether the gateway has activated the key, as far as this device knows. */
  get confirmed(): boolean {
    return this.#confirmed
  }

  /** What its file holds by now. */
  adopt(keys: Keys, confirmed = true): void {
    this.#keys = keys
    this.#confirmed = confirmed
  }

  toJSON(): object {
    const { pneId, realm, gateway, confirmed } = this
    return { pneId, realm, gateway, secondSeed: Buffer.from(this.secondSeed).toString('base64url'), confirmed }
  }

  toString(): string {
    return `credential of ${this.pneId}, assigned by ${this.gateway}`
  }
}

/** In the order in which they are tried: the newest first. */
export function keysOf({ current, next }: Keys): Key[] {
  return next ? [next, current] : [current]
}

/**
 * Reads the credential that `pair` wrote. One that the gateway has not confirmed yet will do: it authenticates where it is
 * active already, and the local case confirms it.
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
  const { next } = stateOf(content)
  return new Credential(content, { confirmed: content.state === undefined, file, next })
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

/** The keys in the file of a credential, if it still is that of this PNE. */
export async function readKeys({ file, pneId }: Credential): Promise<(Keys & { confirmed: boolean }) | undefined> {
  const content = file === undefined ? undefined : await readCredentialFile(file)
  if (!content || content.state === 'pairing' || content.pneId !== pneId) return undefined
  return stateOf(content)
}

/** Writes the keys of a confirmed credential to where it is kept; durable when it resolves. */
export async function writeKeys({ file, save, ...credential }: Credential, { current, next }: Keys): Promise<void> {
  const { pneId, realm, gateway } = credential
  const { secondSeed, euKey } = current
  const fields = { pneId, realm, gateway, secondSeed, euKey, next }
  if (file !== undefined) await writeCredentialFile(file, { state: undefined, ...fields })
  else await save?.(fields)
}

function stateOf(content: Exclude<Content, { state: 'pairing' }>): Keys & { confirmed: boolean } {
  const { secondSeed, euKey } = content
  const confirmed = content.state === undefined
  const next = confirmed ? content.next : undefined
  return { current: { secondSeed, euKey }, ...(next && { next }), confirmed }
}
