// The credential file: strict JSON, 0600, replaced as a whole. Only credential.ts knows what its states mean.

import { IoError, readSecretFile, writeFileAtomic } from '@opencpns/io'
import {
  Assignment,
  isRealm,
  KEY_OCTETS,
  parseGatewayIdentity,
  SEED_OCTETS,
  TICKET_ID_OCTETS,
} from '@opencpns/protocol'
import { PneError, type PneErrorCode } from './errors.ts'

const FILE_MAX_OCTETS = 4096
const HEAD = { type: 'opencpns-pne', version: 1 } as const

/** What an Assignment holds, and the gateway that it came from. */
export interface CredentialFields extends Key {
  readonly pneId: string
  readonly realm: string
  readonly gateway: string
}

/** A 2nd seed and the EUKey that belongs to it, 32 octets each; the EUKey is secret. */
export interface Key {
  readonly secondSeed: Uint8Array
  readonly euKey: Uint8Array
}

/** What a pairing that was cut off needs to go on: ticket id 16 octets, device nonce 32. */
export interface Unfinished {
  readonly gateway: string
  readonly ticketId: Uint8Array
  readonly deviceNonce: Uint8Array
}

export type Content =
  | ({ readonly state: 'pairing' } & Unfinished)
  | ({ readonly state: 'unconfirmed' } & Unfinished & CredentialFields)
  | ({ readonly state: undefined; readonly next?: Key | undefined } & CredentialFields)

/**
 * The content of a credential file, or undefined where there is none.
 * @throws {PneError} CREDENTIAL_UNREADABLE, CREDENTIAL_TOO_OPEN, CREDENTIAL_CORRUPT
 */
export async function readCredentialFile(file: string): Promise<Content | undefined> {
  let octets: Uint8Array
  try {
    octets = await readSecretFile(file, { maxOctets: FILE_MAX_OCTETS })
  } catch (error) {
    if (error instanceof IoError && error.code === 'FILE_MISSING') return undefined
    throw fileError(file, error)
  }
  const content = parse(Buffer.from(octets).toString())
  if (content) return content
  throw new PneError(
    'CREDENTIAL_CORRUPT',
    `${file} is not a credential of a PNE: restore it, or pair into another file`,
  )
}

/**
 * Writes a credential file: whole or not at all, and on disk when this returns.
 * @throws {PneError} CREDENTIAL_UNWRITABLE
 */
export async function writeCredentialFile(file: string, { state, ...fields }: Content): Promise<void> {
  const json = { ...HEAD, ...(state && { state }), ...toJson(fields) }
  try {
    await writeFileAtomic(file, `${JSON.stringify(json, null, 2)}\n`, { mode: 0o600 })
  } catch (error) {
    throw fileError(file, error)
  }
}

/** Octets in base64url; what is undefined is left out. */
function toJson(fields: object): object {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, toJsonValue(value)]))
}

function toJsonValue(value: unknown): unknown {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? toText(value) : toJson(value as object)
}

const ticketNames = ['ticketId', 'deviceNonce']
const keyNames = ['secondSeed', 'euKey']
const credentialNames = ['gateway', 'pneId', 'realm', ...keyNames]
const namesByState = new Map<unknown, readonly string[]>([
  ['pairing', ['gateway', ...ticketNames]],
  ['unconfirmed', [...credentialNames, ...ticketNames]],
  [undefined, credentialNames],
])

const readers: Readonly<Record<string, (text: string) => string | Uint8Array | undefined>> = {
  gateway: (text) => (parseGatewayIdentity(text) ? text : undefined),
  realm: (text) => (isRealm(text) ? text : undefined),
  pneId: (text) => (Assignment.fields.pneId.kind.accepts(text) ? text : undefined),
  ticketId: (text) => toOctets(text, TICKET_ID_OCTETS),
  deviceNonce: (text) => toOctets(text, SEED_OCTETS),
  secondSeed: (text) => toOctets(text, SEED_OCTETS),
  euKey: (text) => toOctets(text, KEY_OCTETS),
}

/** Exactly the names of its state, each with a value of its kind; otherwise undefined. */
function parse(text: string): Content | undefined {
  let json: Record<string, unknown>
  try {
    json = { ...JSON.parse(text) }
  } catch {
    return undefined
  }
  const { type, version, state, next, ...fields } = json
  const names = namesByState.get(state)
  if (type !== HEAD.type || version !== HEAD.version || !names) return undefined
  const content = readFields(fields, names)
  if (!content || next === undefined) return content && ({ state, ...content } as Content)
  const key = state === undefined && readFields({ ...(next as object) }, keyNames)
  return key ? ({ state, ...content, next: key } as Content) : undefined
}

function readFields(fields: Record<string, unknown>, names: readonly string[]): object | undefined {
  if (Object.keys(fields).length !== names.length) return undefined
  const values = names.map((name) => [name, readField(name, fields[name])] as const)
  return values.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(values)
}

function readField(name: string, value: unknown): string | Uint8Array | undefined {
  return typeof value === 'string' ? readers[name]?.(value) : undefined
}

/** Base64url in its one canonical spelling. */
function toOctets(text: string, length: number): Uint8Array | undefined {
  const octets = Buffer.from(text, 'base64url')
  return octets.length === length && toText(octets) === text ? octets : undefined
}

function toText(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64url')
}

const fileErrors: Readonly<Record<string, readonly [PneErrorCode, string]>> = {
  FILE_UNREADABLE: ['CREDENTIAL_UNREADABLE', 'cannot be read: check its owner and permissions'],
  FILE_TOO_OPEN: ['CREDENTIAL_TOO_OPEN', 'can be read by others than its owner: change that with chmod 600'],
  FILE_TOO_LARGE: ['CREDENTIAL_CORRUPT', 'is too large for a credential: restore it, or pair into another file'],
  FILE_UNWRITABLE: ['CREDENTIAL_UNWRITABLE', 'cannot be written: check that its folder exists and is yours'],
}

function fileError(file: string, error: unknown): unknown {
  const [code, message] = (error instanceof IoError && fileErrors[error.code]) || []
  return code ? new PneError(code, `${file} ${message}`, { cause: error }) : error
}
