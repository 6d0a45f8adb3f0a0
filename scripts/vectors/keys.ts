// docs/vectors/keys.json: each derivation of docs/protocol.md sections 2 and 5, from fixed inputs.

import * as protocol from '@opencpns/protocol'
import { ramp } from './octets.ts'

const REALM = 'example.org'
const HOME = 'home-gw@example.org'
const HOTEL = 'hotel-gw@visited.example.net'
const MSK = ramp(0x60, 64)
const TRANSCRIPT_HASH = ramp(0xe0)
const CHALLENGE_KEY = ramp(0x11)
const ISSUED_AT = 1_800_000_000

/** One vector: the inputs by name, and what comes of them. */
function vector<I extends object, O>(name: string, input: I, derive: (input: I) => O) {
  return { name, in: input, out: derive(input) }
}

export function keyVectors() {
  const firstSeed = ramp(0x00)
  const secondSeed = ramp(0x20)
  const euKey = protocol.deriveEuKey({ firstSeed, secondSeed, realm: REALM })
  const transientKey = protocol.deriveTransientKey({ msk: MSK, gateway: HOTEL })
  return {
    peerIdentity: [
      vector('identity', { secondSeed, realm: REALM }, (of) => protocol.peerIdentity(of.secondSeed, of.realm)),
    ],
    euKey: [
      vector('EUKey', { firstSeed, secondSeed, realm: REALM }, protocol.deriveEuKey),
      vector('EUKey, another realm', { firstSeed, secondSeed, realm: 'example.com' }, protocol.deriveEuKey),
      vector('EUKey, another 2nd seed', { firstSeed, secondSeed: ramp(0x21), realm: REALM }, protocol.deriveEuKey),
    ],
    gpskPsk: [vector('GPSK PSK', { euKey }, (of) => protocol.deriveGpskPsk(of.euKey))],
    localSessionKey: [vector('local session key', { euKey }, (of) => protocol.deriveLocalKey(of.euKey))],
    transientKey: [
      vector('TK', { msk: MSK, gateway: HOTEL }, protocol.deriveTransientKey),
      vector('TK, another gateway', { msk: MSK, gateway: HOME }, protocol.deriveTransientKey),
    ],
    transientKeyId: [vector('TK id', { transientKey }, (of) => protocol.transientKeyId(of.transientKey))],
    sessionPsk: [
      sessionPsk('session PSK, local', 'local', protocol.deriveLocalKey(euKey), HOME),
      sessionPsk('session PSK, remote', 'remote', transientKey, HOTEL),
    ],
    pairingPsk: [ramp(0x70, 16), ramp(0x70, 32)].map((secret) =>
      vector(
        `pairing PSK, secret of ${secret.length} octets`,
        { secret, gateway: HOME, transcriptHash: TRANSCRIPT_HASH },
        protocol.derivePairingPsk,
      ),
    ),
    gatewayPsk: [
      vector(
        'gateway PSK',
        { secret: ramp(0x90), gateway: HOME, transcriptHash: TRANSCRIPT_HASH },
        protocol.deriveGatewayPsk,
      ),
    ],
    revocationTag: [vector('revocation tag', { secondSeed }, (of) => protocol.revocationTag(of.secondSeed))],
    randServer: [
      vector(
        'RAND_Server',
        { challengeKey: CHALLENGE_KEY, gateway: HOTEL, time: ISSUED_AT, random: ramp(0xb0, 12) },
        (of) => protocol.makeRandServer({ key: of.challengeKey, gateway: of.gateway }, of.time, of.random),
      ),
    ],
    randServerVerdict: verdicts(),
  }
}

function sessionPsk(name: string, caseName: protocol.CaseName, key: Uint8Array, gateway: string) {
  const of = { key, case: caseName, gateway, sessionId: ramp(0xd0, 16), transcriptHash: TRANSCRIPT_HASH }
  return vector(name, of, (input) => protocol.deriveSessionPsk({ ...input, case: protocol.Case[input.case] }))
}

/** The verdict is `valid`, `forged`, or `expired` for what is too old or too far ahead. */
function verdicts() {
  const issued = protocol.makeRandServer({ key: CHALLENGE_KEY, gateway: HOTEL }, ISSUED_AT, ramp(0xb0, 12))
  const good = { challengeKey: CHALLENGE_KEY, gateway: HOTEL, randServer: issued, now: ISSUED_AT }
  const cases: [string, typeof good][] = [
    ['just issued', good],
    ['300 s old', { ...good, now: ISSUED_AT + 300 }],
    ['301 s old', { ...good, now: ISSUED_AT + 301 }],
    ['60 s ahead', { ...good, now: ISSUED_AT - 60 }],
    ['61 s ahead', { ...good, now: ISSUED_AT - 61 }],
    ['issued to another gateway', { ...good, gateway: HOME }],
    ['under another challenge key', { ...good, challengeKey: ramp(0x12) }],
    ['one second later than issued', { ...good, randServer: flipped(issued, 3) }],
    ['another random part', { ...good, randServer: flipped(issued, 4) }],
    ['one bit of the MAC', { ...good, randServer: flipped(issued, 31) }],
  ]
  return cases.map(([name, input]) =>
    vector(`RAND_Server, ${name}`, input, ({ challengeKey: key, gateway, randServer, now }) =>
      protocol.checkRandServer({ key, gateway }, randServer, now),
    ),
  )
}

/** With the lowest bit of one octet the other way. */
function flipped(octets: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(octets)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
