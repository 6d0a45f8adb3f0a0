// The key schedule: another label, key or input gives another key. docs/protocol.md section 5.2. That its octets are the
// right ones is for the vectors; here one derivation is written out again by another way.

import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  Case,
  deriveEuKey,
  deriveGatewayPsk,
  deriveGpskPsk,
  deriveLocalKey,
  derivePairingPsk,
  deriveSessionPsk,
  deriveTransientKey,
  revocationTag,
  transientKeyId,
} from '../src/index.ts'

/** A plain object: deepEqual and fc.stringify take one without a prototype for another. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true })
const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const key = octets(32)
const realm = fc.constantFrom('example.org', 'example.com', 'a', 'ab', 'b.a')
const gateway = fc.constantFrom('home-gw@example.org', 'lobby-gw@example.org', 'home-gw@example.com', 'a@b', 'a@bc')
const oneCase = fc.constantFrom(...Object.values(Case))

/** Two inputs of one derivation give the same key exactly when they are the same. */
function separates<T>(name: string, inputs: fc.Arbitrary<T>, derive: (input: T) => Buffer): void {
  test(`${name}: another input, another key; the same input, the same key`, () => {
    fc.assert(
      fc.property(inputs, inputs, (one, other) => {
        assert.deepEqual(derive(one), derive(structuredClone(one)))
        assert.equal(derive(one).equals(derive(other)), fc.stringify(one) === fc.stringify(other))
      }),
      { numRuns: 300 },
    )
  })
}

separates('EUKey', record({ firstSeed: key, secondSeed: key, realm }), deriveEuKey)
separates('TK', record({ msk: octets(64), gateway }), deriveTransientKey)
separates(
  'session PSK',
  record({
    key: fc.constantFrom(Buffer.alloc(32), Buffer.alloc(32, 1)),
    case: oneCase,
    gateway,
    ...sessionInputs(),
  }),
  deriveSessionPsk,
)
separates('pairing PSK', record({ secret: key, gateway, transcriptHash: key }), derivePairingPsk)
separates('gateway PSK', record({ secret: key, gateway, transcriptHash: key }), deriveGatewayPsk)
separates('revocation tag', key, revocationTag)

function sessionInputs() {
  const few = (length: number) => fc.constantFrom(Buffer.alloc(length), Buffer.alloc(length, 1))
  return { sessionId: few(16), transcriptHash: few(32) }
}

test('no two derivations from one key give the same key', () => {
  fc.assert(
    fc.property(key, gateway, (key, gateway) => {
      const transcriptHash = key
      const all = [
        deriveGpskPsk(key),
        deriveLocalKey(key),
        deriveTransientKey({ msk: key, gateway }),
        derivePairingPsk({ secret: key, gateway, transcriptHash }),
        deriveGatewayPsk({ secret: key, gateway, transcriptHash }),
        deriveSessionPsk({ key, case: Case.local, gateway, sessionId: key.subarray(0, 16), transcriptHash }),
        deriveSessionPsk({ key, case: Case.remote, gateway, sessionId: key.subarray(0, 16), transcriptHash }),
        revocationTag(key),
        Buffer.concat([transientKeyId(key), transientKeyId(key)]),
      ]
      assert.equal(new Set(all.map((one) => one.subarray(0, 16).toString('hex'))).size, all.length)
      assert.ok(all.every((one) => one.length === 32))
    }),
  )
})

test('octets moved from one input to the next give another key: each is prefixed with its length', () => {
  const transcriptHash = Buffer.alloc(32)
  const psk = (gateway: string, sessionId: string) =>
    deriveSessionPsk({
      key: Buffer.alloc(32),
      case: Case.local,
      gateway,
      sessionId: Buffer.from(sessionId),
      transcriptHash,
    })
  assert.notDeepEqual(psk('ab', 'c'), psk('a', 'bc'))
})

test('the derivations are HKDF of RFC 5869, written out by another way', () => {
  const lp = (text: string | Buffer) => {
    const data = Buffer.from(text)
    return Buffer.concat([Buffer.of(data.length >> 8, data.length & 255), data])
  }
  const [ikm, salt, secret] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)]
  assert.deepEqual(
    deriveEuKey({ firstSeed: ikm, secondSeed: salt, realm: 'example.org' }),
    Buffer.from(hkdfSync('sha256', ikm, salt, Buffer.concat([lp('opencpns/1 eukey'), lp('example.org')]), 32)),
  )
  const info = [lp('opencpns/1 gateway psk'), lp('a@b'), lp(Buffer.alloc(32, 4)), Buffer.of(1)]
  assert.deepEqual(
    deriveGatewayPsk({ secret, gateway: 'a@b', transcriptHash: Buffer.alloc(32, 4) }),
    createHmac('sha256', secret).update(Buffer.concat(info)).digest(),
  )
})
