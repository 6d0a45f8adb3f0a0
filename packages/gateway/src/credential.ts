// The gateway's credential towards the CPNS Server: the file that `opencpns admin gateway add --out FILE` writes.

import { IoError, type IoErrorCode, readSecretFile } from '@opencpns/io'
import { KEY_OCTETS, parseGatewayIdentity } from '@opencpns/protocol'
import { GatewayError, type GatewayErrorCode } from './errors.ts'

const FILE_MAX_OCTETS = 4096
const MAKE_ONE = 'make one with: opencpns admin gateway add NAME --out FILE'

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
  let content: Buffer
  try {
    content = await readSecretFile(file, { maxOctets: FILE_MAX_OCTETS })
  } catch (cause) {
    if (!(cause instanceof IoError)) throw cause
    const code = codes[cause.code] ?? 'CREDENTIAL_UNREADABLE'
    const advice = code === 'CREDENTIAL_MISSING' ? `: ${MAKE_ONE}` : ''
    throw new GatewayError(code, `the gateway's credential: ${cause.message}${advice}`, { cause })
  }
  const credential = parse(content.toString())
  if (!credential) throw new GatewayError('CREDENTIAL_CORRUPT', `${file} is not a gateway's credential: ${MAKE_ONE}`)
  return credential
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
