// docs/vectors/remote.json: all eight steps at a gateway that did not assign the PNE's key, and a further session there.

import * as protocol from '@opencpns/protocol'
import { gpskConversation } from './gpsk.ts'
import { Link } from './link.ts'
import { ramp } from './octets.ts'
import { hotel, realm, server, upstream, watch } from './parties.ts'

const SESSION_ID = ramp(0xd0, 16)
const LIFETIME_S = 3600

export function remoteVectors() {
  return {
    flows: [
      nativeFlow('by ciphersuite 2', 2),
      nativeFlow('by ciphersuite 1', 1),
      relayedFlow('all four messages relayed, as with RADIUS'),
      furtherFlow('a further session, with the TK of the first'),
    ],
  }
}

function nativeFlow(name: string, csuite: number) {
  const gpsk = gpskConversation(hotel.identity, csuite)
  const { gpsk1: challenge, gpsk2, gpsk3 } = gpsk.packets
  const up = upstream(hotel)
  const link = new Link('PNE', 'PN GW')

  up.say('PN GW', protocol.ChallengeRequest, { id: 1, count: 1 })
  up.say('CPNS Server', protocol.ChallengeResponse, { id: 1, result: 0, challenges: [challenge], lifetimeS: 300 })
  link.say('PNE', protocol.AuthenticationRequest, request()) // 1
  link.say('PN GW', protocol.Challenge, { version: 1, gateway: hotel.identity, eap: challenge }) // 2
  link.say('PNE', protocol.ChallengeAnswer, { eap: gpsk2 })
  up.say('PN GW', protocol.ForwardedRequest, { id: 2, secondSeed: watch.secondSeed, challenge, eap: gpsk2 }) // 3, then 4 and 5
  up.say('CPNS Server', protocol.ForwardedResponse, {
    id: 2,
    result: protocol.Result.success,
    eap: gpsk3,
    transientKey: gpsk.derived.transientKey,
    lifetimeS: LIFETIME_S,
    pneId: watch.pneId,
    user: 'alice',
  }) // 6
  openSession(link, gpsk.derived.transientKey, { eap: gpsk3 }) // 7 and 8
  return flow(name, gpsk, [up, link])
}

function relayedFlow(name: string) {
  const gpsk = gpskConversation(hotel.identity, 2)
  const { gpsk1, gpsk2, gpsk3, gpsk4 } = gpsk.packets
  const link = new Link('PNE', 'PN GW')
  link.say('PNE', protocol.AuthenticationRequest, request())
  link.say('PN GW', protocol.Challenge, { version: 1, gateway: hotel.identity, eap: gpsk1 })
  link.say('PNE', protocol.ChallengeAnswer, { eap: gpsk2 })
  link.say('PN GW', protocol.Challenge, { version: 1, gateway: hotel.identity, eap: gpsk3 })
  link.say('PNE', protocol.ChallengeAnswer, { eap: gpsk4 })
  openSession(link, gpsk.derived.transientKey, {})
  return flow(name, gpsk, [link])
}

function furtherFlow(name: string) {
  const gpsk = gpskConversation(hotel.identity, 2)
  const { transientKey, transientKeyId } = gpsk.derived
  const link = new Link('PNE', 'PN GW')
  link.say('PNE', protocol.AuthenticationRequest, { ...request(), service: 'mqtt', transientKeyId })
  openSession(link, transientKey, { transientKeyId })
  return flow(name, gpsk, [link])
}

function request() {
  return { versions: [1], secondSeed: watch.secondSeed, realm }
}

function openSession(link: Link, key: Buffer, more: { eap?: Buffer; transientKeyId?: Buffer }): void {
  const offer = { gateway: hotel.identity, sessionId: SESSION_ID, case: protocol.Case.remote }
  link.say('PN GW', protocol.SessionOffer, { version: 1, ...offer, ...more })
  link.upgrade(protocol.Alpn.session, SESSION_ID, (transcriptHash) =>
    protocol.deriveSessionPsk({ key, ...offer, transcriptHash }),
  )
  link.say('PN GW', protocol.AuthenticationResponse, { result: protocol.Result.success, lifetimeS: LIFETIME_S })
}

function flow(name: string, gpsk: ReturnType<typeof gpskConversation>, links: Link[]) {
  const { secondSeed, euKey } = watch
  return {
    name,
    given: {
      firstSeed: server.firstSeed,
      secondSeed,
      realm,
      gateway: hotel.identity,
      gatewaySecret: hotel.secret,
      sessionId: SESSION_ID,
      ...gpsk.given,
    },
    derived: { euKey, ...gpsk.derived },
    gpsk: gpsk.packets,
    links: links.map((link) => link.record()),
  }
}
