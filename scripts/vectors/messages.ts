// docs/vectors/messages.json: every message as fields and as octets.

import type { Message } from '@opencpns/protocol'
import * as protocol from '@opencpns/protocol'
import { encode } from './link.ts'
import { ramp } from './octets.ts'
import { refusedBodies, refusedLengths } from './refusals.ts'

const gateway = 'home-gw@example.org'
const realm = 'example.org'
const secondSeed = ramp(0x20)
const eap = ramp(0x01, 61)
const longest = { realm: `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(62)}`, gateway: 'g'.repeat(253) }
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const ticketUri = protocol.formatPairingUri({
  addresses: ['192.0.2.1:7411'],
  gateway,
  ticketId: ramp(0x50, 16),
  secret: ramp(0x60, 16),
  expiresAtS: 1764000600,
})
const counts = { localAccepted: 0, localRefused: 0, remoteAccepted: 0, remoteRefused: 0, undecided: 0, untold: 0 }
const authenticated = {
  sessionId: ramp(0xd0, 16),
  result: 0,
  atUs: 1764000000000123,
  serverRoundTrips: 1,
  case: 1,
  keyUsed: 1,
  pneId: 'pne-1',
  step2Us: 40,
  step3Us: 1200,
  step6Us: 2300,
  step7Us: 4100,
  step8Us: 4150,
}
const began = { kind: 0, sessionId: ramp(0xd0, 16), secondSeed, atMs: 1764000000000, case: 0 }

type Sample = [name: string, message: Message, fields?: Record<string, unknown>]

const samples: Sample[] = [
  ['least', protocol.AuthenticationRequest, { versions: [1], secondSeed, realm }],
  [
    'all fields',
    protocol.AuthenticationRequest,
    { versions: [2, 1], secondSeed, realm, service: 'mqtt', transientKeyId: ramp(0xf0, 16) },
  ],
  [
    'text of several octets a character',
    protocol.AuthenticationRequest,
    { versions: [1], secondSeed, realm, service: 'Küche ⌚ 𝄞' },
  ],
  [
    'a service of 64 octets in 32 characters',
    protocol.AuthenticationRequest,
    { versions: [1], secondSeed, realm, service: 'é'.repeat(32) },
  ],
  [
    'the longest lists and text',
    protocol.AuthenticationRequest,
    { versions: [1, 2, 23, 24, 100, 200, 254, 255], secondSeed, realm: longest.realm },
  ],
  ['in a trace', protocol.AuthenticationRequest, { versions: [1], secondSeed, realm, traceparent }],
  ['one', protocol.Challenge, { version: 1, gateway, eap }],
  ['the longest', protocol.Challenge, { version: 255, gateway: longest.gateway, eap: ramp(0, 1020) }],
  ['the least EAP packet', protocol.ChallengeAnswer, { eap: ramp(0x01, 4) }],
  ['local', protocol.SessionOffer, { version: 1, gateway, sessionId: ramp(0xd0, 16), case: 0 }],
  ['remote', protocol.SessionOffer, { version: 1, gateway, sessionId: ramp(0xd0, 16), case: 1, eap }],
  [
    'remote, a further session',
    protocol.SessionOffer,
    { version: 1, gateway, sessionId: ramp(0xd0, 16), case: 1, transientKeyId: ramp(0xf0, 16) },
  ],
  ['success', protocol.AuthenticationResponse, { result: 0, lifetimeS: 3600 }],
  ['refused', protocol.AuthenticationResponse, { result: 1 }],
  ['unsupported version', protocol.AuthenticationResponse, { result: 2, versions: [1] }],
  ['the longest lifetime', protocol.AuthenticationResponse, { result: 0, lifetimeS: 0xffffffff }],
  ['one', protocol.Ping],
  ['one', protocol.Pong],
  ['closing', protocol.SessionEnd, { reason: 0 }],
  ['revoked', protocol.SessionEnd, { reason: 1 }],
  ['replaced', protocol.SessionEnd, { reason: 2 }],
  ['one', protocol.RotationRequest],
  ['one', protocol.RotationOffer, { secondSeed, euKey: ramp(0xa0) }],
  ['one', protocol.RotationConfirmation, { secondSeed }],
  ['one', protocol.RotationDone, { secondSeed }],
  ['one', protocol.PairingRequest, { versions: [1], ticketId: ramp(0x50, 16) }],
  ['one', protocol.PairingOffer, { version: 1, gateway, sessionId: ramp(0xd0, 16) }],
  ['success', protocol.PairingResponse, { result: 0 }],
  ['ticket used', protocol.PairingResponse, { result: 6 }],
  ['unsupported version', protocol.PairingResponse, { result: 2, versions: [1] }],
  ['one', protocol.AssignmentRequest, { deviceNonce: ramp(0x80) }],
  ['one', protocol.Assignment, { pneId: 'pne-1', realm, secondSeed, euKey: ramp(0xa0) }],
  ['one', protocol.AssignmentConfirmation],
  ['one', protocol.Hello, { versions: [1], gateway }],
  ['of a gateway that speaks version 2', protocol.Hello, { versions: [2, 1], gateway }],
  ['one', protocol.HelloOffer, { version: 1, realm, sessionId: ramp(0xc0, 16) }],
  ['success', protocol.HelloResponse, { result: 0, revocations: 7 }],
  ['the largest number of a revocation', protocol.HelloResponse, { result: 0, revocations: Number.MAX_SAFE_INTEGER }],
  ['unsupported version', protocol.HelloResponse, { result: 2, versions: [1] }],
  ['one', protocol.ChallengeRequest, { id: 0, count: 64 }],
  [
    'two challenges',
    protocol.ChallengeResponse,
    { id: 0, result: 0, challenges: [eap, ramp(0x02, 61)], lifetimeS: 300 },
  ],
  ['none', protocol.ChallengeResponse, { id: 0, result: 0, challenges: [], lifetimeS: 300 }],
  ['one', protocol.ForwardedRequest, { id: 0xffffffff, secondSeed, challenge: eap, eap: ramp(0x03, 151) }],
  [
    'version 2, in a trace',
    protocol.ForwardedRequest,
    { id: 1, secondSeed, challenge: eap, eap: ramp(0x03, 151), sessionId: ramp(0xd0, 16), traceparent },
  ],
  [
    'success',
    protocol.ForwardedResponse,
    {
      id: 0xffffffff,
      result: 0,
      eap,
      transientKey: ramp(0x60),
      lifetimeS: 3600,
      pneId: 'pne-1',
      user: 'alice',
      sessionsMax: 4,
    },
  ],
  ['refused', protocol.ForwardedResponse, { id: 256, result: 1 }],
  ['challenge refused', protocol.ForwardedResponse, { id: 65536, result: 10 }],
  ['with a name', protocol.KeyAssignmentRequest, { id: 3, secondSeed, name: 'watch' }],
  ['without a name', protocol.KeyAssignmentRequest, { id: 3, secondSeed }],
  ['rotation', protocol.KeyAssignmentRequest, { id: 3, secondSeed, replaces: ramp(0x30) }],
  ['with a ticket', protocol.KeyAssignmentRequest, { id: 3, secondSeed, ticketId: ramp(0x50, 16) }],
  [
    'success',
    protocol.KeyAssignmentResponse,
    { id: 3, result: 0, euKey: ramp(0xa0), pneId: 'pne-1', user: 'alice', generation: 1 },
  ],
  ['not permitted', protocol.KeyAssignmentResponse, { id: 3, result: 9 }],
  ['one', protocol.KeyConfirmationRequest, { id: 4, secondSeed }],
  ['with a ticket', protocol.KeyConfirmationRequest, { id: 4, secondSeed, ticketId: ramp(0x50, 16) }],
  ['success', protocol.KeyConfirmationResponse, { id: 4, result: 0 }],
  ['one', protocol.RevocationsRequest, { id: 5, since: 7 }],
  [
    'two tags',
    protocol.RevocationsResponse,
    { id: 5, result: 0, tags: [ramp(0x10), ramp(0x30)], upTo: 9, more: false },
  ],
  [
    'more to come',
    protocol.RevocationsResponse,
    { id: 5, result: 0, tags: [ramp(0x10)], upTo: 4294967296, more: true },
  ],
  ['one', protocol.RevocationNotice, { upTo: 10 }],
  ['one', protocol.KeyRetirementRequest, { id: 6, secondSeed }],
  ['success', protocol.KeyRetirementResponse, { id: 6, result: 0 }],
  [
    'one report',
    protocol.RegistrationsRequest,
    { id: 7, first: 12, reports: [encode(protocol.RegistrationReport, began)] },
  ],
  ['success', protocol.RegistrationsResponse, { id: 7, result: 0, upTo: 12 }],
  ['began', protocol.RegistrationReport, began],
  ['ended', protocol.RegistrationReport, { ...began, kind: 1, atMs: 1764000060000 }],
  ['all fields', protocol.PolicyNotice, { generation: 2, visitors: true, sessionsMax: 4 }],
  ['no bound of sessions', protocol.PolicyNotice, { generation: 1, visitors: false }],
  [
    'counts alone',
    protocol.AuthenticationsReport,
    { ...counts, spanMs: 250, localAccepted: 900, untold: 900, reports: [] },
  ],
  [
    'one told',
    protocol.AuthenticationsReport,
    { ...counts, spanMs: 250, remoteAccepted: 1, reports: [encode(protocol.AuthenticationReport, authenticated)] },
  ],
  ['all fields but a reason', protocol.AuthenticationReport, authenticated],
  [
    'refused before its case was known',
    protocol.AuthenticationReport,
    { sessionId: ramp(0xd0, 16), result: 4, atUs: 1764000000000123, serverRoundTrips: 0, reason: 'overloaded' },
  ],
  ['least', protocol.TicketRequest, { id: 0 }],
  ['all fields', protocol.TicketRequest, { id: 1, name: 'watch', lifetimeS: 3600 }],
  [
    'success',
    protocol.TicketResponse,
    { id: 1, result: 0, uri: ticketUri, expiresAtS: 1764000600, ticketId: ramp(0x50, 16) },
  ],
  ['busy', protocol.TicketResponse, { id: 1, result: 4 }],
  ['one', protocol.RotationNotice, { pneId: 'pne-1' }],
  ['one', protocol.ClosingNotice, {}],
]

export function messageVectors() {
  return {
    messages: samples.map(([name, message, fields = {}]) => ({
      name: `${message.name}: ${name}`,
      message: message.name,
      fields,
      body: encode(message, fields),
    })),
    refused: refusedBodies(),
    refusedLengths,
  }
}
