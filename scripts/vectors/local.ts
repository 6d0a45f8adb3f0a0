// docs/vectors/local.json: steps 1, 2, 7 and 8 at the gateway that assigned the PNE's key.

import * as protocol from '@opencpns/protocol'
import { Link } from './link.ts'
import { ramp } from './octets.ts'
import { home, realm, watch } from './parties.ts'

export function localVectors() {
  return { flows: [flow('presence', {}), flow('a session for a service', { service: 'mqtt' })] }
}

function flow(name: string, wish: { service?: string }) {
  const sessionId = ramp(0xd0, 16)
  const localSessionKey = protocol.deriveLocalKey(watch.euKey)
  const link = new Link('PNE', 'PN GW')
  link.say('PNE', protocol.AuthenticationRequest, { versions: [1], secondSeed: watch.secondSeed, realm, ...wish }) // 1
  link.say('PN GW', protocol.SessionOffer, {
    version: 1,
    gateway: home.identity,
    sessionId,
    case: protocol.Case.local,
  }) // 2
  link.upgrade(protocol.Alpn.session, sessionId, (transcriptHash) =>
    protocol.deriveSessionPsk({
      key: localSessionKey,
      case: protocol.Case.local,
      gateway: home.identity,
      sessionId,
      transcriptHash,
    }),
  ) // 7
  link.say('PN GW', protocol.AuthenticationResponse, { result: protocol.Result.success }) // 8
  return {
    name,
    given: { secondSeed: watch.secondSeed, realm, euKey: watch.euKey, gateway: home.identity, sessionId },
    derived: { localSessionKey },
    links: [link.record()],
  }
}
