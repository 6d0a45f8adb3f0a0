// Who takes part in the flows of the vectors, what they hold, and the link between gateway and server that some flows need.

import * as protocol from '@opencpns/protocol'
import { Link } from './link.ts'
import { ramp } from './octets.ts'

export const realm = 'example.org'
export const server = { identity: `cpns-server@${realm}`, challengeKey: ramp(0x11), firstSeed: ramp(0x00) }
export const home = { identity: `home-gw@${realm}`, secret: ramp(0x90) }
export const hotel = { identity: `hotel-gw@${realm}`, secret: ramp(0xa0) }

const secondSeed = ramp(0x20)
export const watch = {
  pneId: 'pne-1',
  identity: protocol.peerIdentity(secondSeed, realm),
  secondSeed,
  euKey: protocol.deriveEuKey({ firstSeed: server.firstSeed, secondSeed, realm }),
}

/** PN GW to CPNS Server, section 4.4, as far as HelloResponse. */
export function upstream(gateway: typeof home): Link {
  const link = new Link('PN GW', 'CPNS Server')
  const sessionId = ramp(0xc0, 16)
  link.say('PN GW', protocol.Hello, { versions: [1], gateway: gateway.identity })
  link.say('CPNS Server', protocol.HelloOffer, { version: 1, realm, sessionId })
  link.upgrade(protocol.Alpn.server, sessionId, (transcriptHash) =>
    protocol.deriveGatewayPsk({ secret: gateway.secret, gateway: gateway.identity, transcriptHash }),
  )
  link.say('CPNS Server', protocol.HelloResponse, { result: protocol.Result.success, revocations: 0 })
  return link
}
