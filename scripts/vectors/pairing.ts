// docs/vectors/pairing.json: the flow of docs/protocol.md section 4.3, and pairing URIs good and bad.

import * as protocol from '@opencpns/protocol'
import { Link } from './link.ts'
import { ramp } from './octets.ts'
import { home, realm, server, upstream, watch } from './parties.ts'

const ticket: protocol.PairingTicket = {
  addresses: ['192.0.2.1:7411'],
  gateway: home.identity,
  ticketId: ramp(0x50, 16),
  secret: ramp(0x70, 16),
  expiresAtS: 1_800_000_600,
}

export function pairingVectors() {
  return { flows: [flow()], uris: uris(), refusedUris: refusedUris() }
}

function flow() {
  const { secondSeed, euKey, pneId } = watch
  const sessionId = ramp(0xd0, 16)
  const deviceNonce = ramp(0x80)
  const up = upstream(home)
  const link = new Link('PNE', 'PN GW')
  link.say('PNE', protocol.PairingRequest, { versions: [1], ticketId: ticket.ticketId })
  link.say('PN GW', protocol.PairingOffer, { version: 1, gateway: home.identity, sessionId })
  link.upgrade(protocol.Alpn.pairing, sessionId, (transcriptHash) =>
    protocol.derivePairingPsk({ secret: ticket.secret, gateway: home.identity, transcriptHash }),
  )
  link.say('PNE', protocol.AssignmentRequest, { deviceNonce })
  up.say('PN GW', protocol.KeyAssignmentRequest, { id: 1, secondSeed, name: 'watch' })
  up.say('CPNS Server', protocol.KeyAssignmentResponse, { id: 1, result: protocol.Result.success, euKey, pneId })
  link.say('PN GW', protocol.Assignment, { pneId, realm, secondSeed, euKey })
  link.say('PNE', protocol.AssignmentConfirmation)
  up.say('PN GW', protocol.KeyConfirmationRequest, { id: 2, secondSeed })
  up.say('CPNS Server', protocol.KeyConfirmationResponse, { id: 2, result: protocol.Result.success })
  link.say('PN GW', protocol.PairingResponse, { result: protocol.Result.success })
  return {
    name: 'pairing',
    given: {
      uri: protocol.formatPairingUri(ticket),
      firstSeed: server.firstSeed,
      secondSeed,
      realm,
      gateway: home.identity,
      gatewaySecret: home.secret,
      sessionId,
      deviceNonce,
    },
    derived: { euKey },
    links: [up.record(), link.record()],
  }
}

function uris() {
  const many = ['192.0.2.1:7411', '[2001:db8::1]:7411', 'hub.local:443', '198.51.100.7:65535']
  const good: [string, protocol.PairingTicket][] = [
    ['one address', ticket],
    ['four addresses, one of them IPv6', { ...ticket, addresses: many }],
    ['a secret of 64 octets', { ...ticket, secret: ramp(0x70, 64) }],
  ]
  const made = good.map(([name, one]) => ({ name, uri: protocol.formatPairingUri(one), ticket: one }))
  const encoded = protocol.formatPairingUri(ticket).replace('@', '%40')
  const shuffled = `${protocol.formatPairingUri(ticket).replace(/\?(g=[^&]+)&(.*)/, '?$2&$1')}&new=1`
  return [
    ...made,
    { name: '@ in percent-encoding', uri: encoded, ticket: protocol.parsePairingUri(encoded) },
    {
      name: 'another order, and a parameter that nobody knows',
      uri: shuffled,
      ticket: protocol.parsePairingUri(shuffled),
    },
  ]
}

function refusedUris() {
  const uri = protocol.formatPairingUri(ticket)
  const bad: [reason: string, uri: string][] = [
    ['another scheme', uri.replace('cpns:', 'http:')],
    ['no address', uri.replace('192.0.2.1:7411', '')],
    ['an address without a port', uri.replace(':7411', '')],
    ['an IPv6 address without brackets', uri.replace('192.0.2.1', '2001:db8::1')],
    ['five addresses', uri.replace('192.0.2.1:7411', Array(5).fill('192.0.2.1:7411').join(','))],
    ['no g', uri.replace(/g=[^&]+&/, '')],
    ['g is not the identity of a gateway', uri.replace('home-gw@', 'Home@')],
    ['no t', uri.replace(/t=[^&]+&/, '')],
    ['t has 15 octets', protocol.formatPairingUri({ ...ticket, ticketId: ramp(0x50, 15) })],
    ['no s', uri.replace(/&s=[^&]+/, '')],
    ['s has 15 octets', protocol.formatPairingUri({ ...ticket, secret: ramp(0x70, 15) })],
    ['s has 65 octets', protocol.formatPairingUri({ ...ticket, secret: ramp(0x70, 65) })],
    ['s is not base64url', uri.replace('&s=', '&s=%2B')],
    ['no x', uri.replace(/&x=.*/, '')],
    ['x is not a number', uri.replace(/x=.*/, 'x=soon')],
    ['longer than 1,024 characters', `${uri}&more=${'x'.repeat(1024)}`],
  ]
  return bad.map(([reason, one]) => ({ reason, uri: refused(one) }))
}

function refused(uri: string): string {
  try {
    protocol.parsePairingUri(uri)
  } catch (error) {
    if (error instanceof protocol.ProtocolError && error.code === 'BAD_PAIRING_URI') return uri
    throw error
  }
  throw new TypeError(`this pairing URI should be refused: ${uri}`)
}
