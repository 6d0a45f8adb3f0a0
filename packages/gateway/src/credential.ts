// What proves the gateway to its server: towards a CPNS Server the file that `opencpns admin gateway add --out FILE` writes,
// towards an AAA server the RADIUS shared secret.

import { IoError, type IoErrorCode, readSecretFile } from '@opencpns/io'
import { KEY_OCTETS, parseGatewayIdentity } from '@opencpns/protocol'
import { SharedSecret } from '@opencpns/radius'
import { GatewayError, type GatewayErrorCode } from './errors.ts'

const FILE_MAX_OCTETS = 4096
const MAKE_ONE = 'make one with: opencpns admin gateway add NAME --out FILE'
const GET_IT = 'write the secret that the AAA server has for this gateway into it, and run: chmod 600 FILE'
const LF = 0x0a
const CR = 0x0d

/** Its secret, 32 octets, is not enumerable: neither inspect nor JSON shows it. */
export interface GatewayCredential {
  readonly identity: string
  readonly realm: string
  readonly secret: Uint8Array
}

const codes: Partial<Record<IoErrorCode, GatewayErrorCode>> = {
  FILE_MISSING: 'CREDENTIAL_MISSING',
  FILE_TOO_OPEN: 'CREDENTIAL_TOO_OPEN',
  FILE_TOO_LARGE: 'CREDENTIAL_CORRUPT',
}

/**
 * Reads `{ "type": "opencpns-gateway", "version": 1, "identity", "realm", "secret" }`, the secret in base64url.
 * @throws {GatewayError} CREDENTIAL_MISSING, CREDENTIAL_UNREADABLE, CREDENTIAL_TOO_OPEN, CREDENTIAL_CORRUPT
 */
export async function readGatewayCredential(file: string): Promise<GatewayCredential> {
  const content = await readCredentialFile(file, "the gateway's credential", MAKE_ONE)
  const credential = parse(content.toString())
  if (!credential) throw new GatewayError('CREDENTIAL_CORRUPT', `${file} is not a gateway's credential: ${MAKE_ONE}`)
  return credential
}

/**
 * Reads the secret that a RADIUS server shares with this gateway: one line of text, or octets. A line feed at the end is not part of it.
 * @throws {GatewayError} CREDENTIAL_MISSING, CREDENTIAL_UNREADABLE, CREDENTIAL_TOO_OPEN, CREDENTIAL_CORRUPT: empty or too large
 */
export async function readRadiusSecret(file: string): Promise<SharedSecret> {
  const content = await readCredentialFile(file, 'the RADIUS secret', GET_IT)
  const end = content.at(-1) !== LF ? content.length : content.at(-2) === CR ? -2 : -1
  const secret = content.subarray(0, end)
  if (secret.length === 0) throw new GatewayError('CREDENTIAL_CORRUPT', `${file} is empty: ${GET_IT}`)
  return SharedSecret.of(secret)
}

async function readCredentialFile(file: string, what: string, whenMissing: string): Promise<Buffer> {
  try {
    return await readSecretFile(file, { maxOctets: FILE_MAX_OCTETS })
  } catch (cause) {
    if (!(cause instanceof IoError)) throw cause
    const code = codes[cause.code] ?? 'CREDENTIAL_UNREADABLE'
    const advice = code === 'CREDENTIAL_MISSING' ? `: ${whenMissing}` : ''
    throw new GatewayError(code, `${what}: ${cause.message}${advice}`, { cause })
  }
}

function parse(text: string): GatewayCredential | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined // the error would quote the file
  }
  if (typeof json !== 'object' || json === null) return undefined
  const { type, version, identity, realm, secret } = json as Record<string, unknown>
  if (type !== 'opencpns-gateway' || version !== 1) return undefined
  if (typeof identity !== 'string' || typeof realm !== 'string' || typeof secret !== 'string') return undefined
  if (parseGatewayIdentity(identity)?.realm !== realm) return undefined
  const octets = Buffer.from(secret, 'base64url')
  if (octets.length !== KEY_OCTETS || octets.toString('base64url') !== secret) return undefined
  return Object.defineProperty({ identity, realm, secret: octets }, 'secret', { enumerable: false })
}
