// Identities of gateways and PNEs. docs/protocol.md section 2.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkRealm,
  gatewayIdentity,
  isName,
  isRealm,
  ProtocolError,
  parseGatewayIdentity,
  parsePeerIdentity,
  peerIdentity,
} from '../src/index.ts'

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
const realm = fc.array(name, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.').slice(0, 190))
const goodRealm = realm.filter(isRealm)

test('the identity of a gateway goes there and back', () => {
  fc.assert(
    fc.property(name, goodRealm, (name, realm) => {
      assert.deepEqual(parseGatewayIdentity(gatewayIdentity(name, realm)), { name, realm })
    }),
  )
})

test('the identity of a PNE goes there and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), goodRealm, (secondSeed, realm) => {
      const identity = peerIdentity(secondSeed, realm)
      assert.match(identity, /^[A-Za-z0-9_-]{43}@/)
      assert.deepEqual(parsePeerIdentity(identity), { secondSeed: Buffer.from(secondSeed), realm })
    }),
  )
})

test('only one spelling of a 2nd seed is an identity: the two unused bits must be zero', () => {
  const good = peerIdentity(new Uint8Array(32), 'example.org')
  assert.ok(parsePeerIdentity(good))
  for (const last of ['B', 'C', 'D']) assert.equal(parsePeerIdentity(good.replace('A@', `${last}@`)), undefined)
})

test('what is not the identity of a PNE is refused', () => {
  const seed = 'A'.repeat(43)
  const bad = ['', '@', seed, `${seed}@`, `${seed}=@a.org`, `${seed}A@a.org`, `${seed.slice(1)}@a.org`, `${seed}@a@a`]
  for (const one of [...bad, `${seed}@A.org`, ` ${seed}@a.org`, `${seed}@a.org\n`, `${'+'.repeat(43)}@a.org`]) {
    assert.equal(parsePeerIdentity(one), undefined, one)
  }
})

test('names and realms: labels of 1 to 63, no hyphen at an end, lower case, 190 octets in all', () => {
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(62)}`
  for (const good of ['a', 'example.org', 'a-b.c9', '9', 'a'.repeat(63), long]) assert.ok(isRealm(good), good)
  const labels = ['', 'A', '-a', 'a-', 'a_b', 'é', 'a b', 'a'.repeat(64), 'a\n', '*']
  for (const bad of labels) {
    assert.ok(!isName(bad), bad)
    assert.ok(!isRealm(bad), bad)
    assert.throws(() => gatewayIdentity(bad, 'example.org'), { name: 'ProtocolError', code: 'BAD_IDENTITY' })
  }
  for (const bad of ['.', 'a.', '.a', 'a..b', `${long}d`, 'a@b']) {
    assert.ok(!isRealm(bad), bad)
    assert.throws(() => checkRealm(bad), { name: 'ProtocolError', code: 'BAD_IDENTITY' })
  }
  for (const bad of ['', 'a', '@', 'a@', '@a', 'a@b@c', 'A@b', 'a.b@c']) {
    assert.equal(parseGatewayIdentity(bad), undefined, bad)
  }
})

test('any text at all is an identity or none: no exception, and no time that grows with the square', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      parsePeerIdentity(text)
      parseGatewayIdentity(text)
    }),
  )
  assert.equal(parseGatewayIdentity(`${'a-'.repeat(50_000)}@${'a.'.repeat(50_000)}`), undefined)
  assert.throws(() => checkRealm('a-'.repeat(50_000)), ProtocolError)
})
