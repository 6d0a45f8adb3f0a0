// Which gateway a client of RADIUS over TLS is: the one whose NAME or identity stands in its certificate.

import { isName, parseGatewayIdentity } from '@opencpns/protocol'
import type { ClientCertificate } from '@opencpns/radius'
import type { Registry } from '../../registry.ts'

/** The identity of the gateway of a certificate, by its CN or one of its DNS names; undefined where none is of ours. */
export async function gatewayOf(certificate: ClientCertificate, registry: Registry): Promise<string | undefined> {
  for (const name of namesOf(certificate)) {
    const identity = isName(name) ? `${name}@${registry.realm}` : name
    if (parseGatewayIdentity(identity) !== undefined && (await registry.isGateway(identity))) return identity
  }
  return undefined
}

/** Node prints a name that holds a separator in quotes, so no such name is taken apart or equals one of ours. */
function namesOf({ commonName, subjectAltName = '' }: ClientCertificate): string[] {
  const dns = subjectAltName.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []))
  return [...(commonName === undefined ? [] : [commonName]), ...dns]
}
