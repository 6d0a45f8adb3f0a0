// Identities are network access identifiers (RFC 7542), `name@realm`: docs/protocol.md section 2.

import { ProtocolError } from './errors.ts'
import { REALM_MAX_OCTETS, SEED_OCTETS } from './limits.ts'

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const REALM = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
const SECOND_SEED = /^[A-Za-z0-9_-]{43}$/

/** A realm: lower-case labels of letters, digits and hyphens, joined by dots, at most 190 octets. */
export function isRealm(realm: string): boolean {
  return realm.length <= REALM_MAX_OCTETS && REALM.test(realm)
}

/** A name of a gateway or an end user: 1 to 63 lower-case letters, digits and inner hyphens. */
export function isName(name: string): boolean {
  return NAME.test(name)
}

/**
 * The identity of a gateway: `NAME@REALM`.
 * @throws {ProtocolError} BAD_IDENTITY
 */
export function gatewayIdentity(name: string, realm: string): string {
  if (!isName(name)) {
    throw new ProtocolError(
      'BAD_IDENTITY',
      `"${name}" is not a name: use 1 to 63 letters a-z, digits and inner hyphens`,
    )
  }
  return `${name}@${checkRealm(realm)}`
}

/** @throws {ProtocolError} BAD_IDENTITY */
export function checkRealm(realm: string): string {
  if (isRealm(realm)) return realm
  throw new ProtocolError('BAD_IDENTITY', `"${realm}" is not a realm: use a domain name in lower case, as example.org`)
}

/** The name and the realm of a gateway's identity, or undefined where it is none. */
export function parseGatewayIdentity(identity: string): { name: string; realm: string } | undefined {
  const [name = '', realm = '', ...rest] = identity.split('@')
  return rest.length === 0 && isName(name) && isRealm(realm) ? { name, realm } : undefined
}

/** The identity of a PNE, ID_Peer of EAP-GPSK: base64url(2nd seed)@realm. */
export function peerIdentity(secondSeed: Uint8Array, realm: string): string {
  return `${Buffer.from(secondSeed).toString('base64url')}@${realm}`
}

/** The 2nd seed, 32 octets, and the realm of a PNE's identity, or undefined where it is none. */
export function parsePeerIdentity(identity: string): { secondSeed: Buffer; realm: string } | undefined {
  const [user = '', realm = '', ...rest] = identity.split('@')
  if (rest.length > 0 || !SECOND_SEED.test(user) || !isRealm(realm)) return undefined
  const secondSeed = Buffer.from(user, 'base64url')
  // The last of 43 characters has two bits that no octet uses: only one spelling of a seed is an identity.
  if (secondSeed.length !== SEED_OCTETS || secondSeed.toString('base64url') !== user) return undefined
  return { secondSeed, realm }
}
