// RAND_Server that certifies itself: forged, expired, of another gateway, out of the future. docs/protocol.md section 5.4.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CHALLENGE_LIFETIME_S, CHALLENGE_SKEW_S, checkRandServer, makeRandServer } from '../src/index.ts'

const scope = { key: Buffer.alloc(32, 7), gateway: 'home-gw@example.org' }
const nowS = 1_800_000_000
const random = Buffer.alloc(12, 9)
const randServer = makeRandServer(scope, nowS, random)

test('a challenge is valid from its skew before to its lifetime after, and expired one second beyond', () => {
  assert.equal(randServer.length, 32)
  for (const [ageS, verdict] of [
    [0, 'valid'],
    [CHALLENGE_LIFETIME_S, 'valid'],
    [CHALLENGE_LIFETIME_S + 1, 'expired'],
    [-CHALLENGE_SKEW_S, 'valid'],
    [-CHALLENGE_SKEW_S - 1, 'expired'],
  ] as const) {
    assert.equal(checkRandServer(scope, randServer, nowS + ageS), verdict, `${ageS} s`)
  }
})

test('a challenge of another gateway, or under another key, is forged', () => {
  assert.equal(checkRandServer({ ...scope, gateway: 'lobby-gw@example.org' }, randServer, nowS), 'forged')
  assert.equal(checkRandServer({ ...scope, key: Buffer.alloc(32, 8) }, randServer, nowS), 'forged')
})

test('a challenge with any bit changed is forged, its time included', () => {
  for (let bit = 0; bit < 256; bit++) {
    const changed = Buffer.from(randServer)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(checkRandServer(scope, changed, nowS), 'forged', `bit ${bit}`)
  }
})

test('a challenge of another length, and octets of chance, are forged', () => {
  for (const length of [0, 16, 31, 33]) {
    assert.equal(checkRandServer(scope, Buffer.concat([randServer, random]).subarray(0, length), nowS), 'forged')
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
      assert.equal(checkRandServer(scope, octets, nowS), 'forged')
    }),
  )
})

test('a challenge inside a larger buffer is read where it stands', () => {
  const packet = Buffer.concat([Buffer.alloc(5, 1), randServer, Buffer.alloc(5, 1)])
  assert.equal(checkRandServer(scope, new Uint8Array(packet).subarray(5, 37), nowS), 'valid')
})

test('two challenges of one second differ by their random octets', () => {
  assert.notDeepEqual(
    makeRandServer(scope, nowS, Buffer.alloc(12, 1)),
    makeRandServer(scope, nowS, Buffer.alloc(12, 2)),
  )
})
