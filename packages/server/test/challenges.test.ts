// Challenges certify themselves: docs/protocol.md section 5.4. One that is not ours, octet by octet, is forged.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseGpsk1 } from '@opencpns/eap'
import { Challenges } from '../src/challenges.ts'

const GATEWAY = 'home-gw@example.org'
const NOW_S = 1_700_000_000
const key = randomBytes(32)
const challenges = new Challenges(key, 'example.org')
const issued = challenges.issue(GATEWAY, NOW_S)

function verdictOf(packet: Uint8Array, { gateway = GATEWAY, nowS = NOW_S, by = challenges } = {}): string {
  return by.check(packet, gateway, nowS).verdict
}

test('what one replica issued, another one with the same key takes, and knows all of it', () => {
  const checked = new Challenges(key, 'example.org').check(Uint8Array.from(issued), GATEWAY, NOW_S + 300)
  assert.equal(checked.verdict, 'valid')
  assert.ok(checked.verdict === 'valid')
  const { idServer, randServer, ...rest } = checked.issued
  const said = parseGpsk1(issued)
  assert.deepEqual({ ...rest, csuiteList: [...rest.csuiteList] }, { identifier: 1, csuiteList: said.csuiteList })
  assert.deepEqual(Buffer.from(idServer), Buffer.from('cpns-server@example.org'))
  assert.deepEqual(Buffer.from(randServer), Buffer.from(said.randServer))
})

test('with any octet changed it is forged', () => {
  for (const at of issued.keys()) {
    const changed = Buffer.from(issued)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.equal(verdictOf(changed), 'forged', `octet ${at}`)
  }
})

test('cut at any length, or with octets after it, it is forged', () => {
  for (const length of issued.keys()) assert.equal(verdictOf(issued.subarray(0, length)), 'forged')
  assert.equal(verdictOf(Buffer.concat([issued, Buffer.alloc(1)])), 'forged')
})

test('for another gateway, under another key or of another realm it is forged', () => {
  assert.equal(verdictOf(issued, { gateway: 'lobby-gw@example.org' }), 'forged')
  assert.equal(verdictOf(issued, { by: new Challenges(randomBytes(32), 'example.org') }), 'forged')
  assert.equal(verdictOf(issued, { by: new Challenges(key, 'example.net') }), 'forged')
})

test('it lasts five minutes, and may be a minute ahead', () => {
  assert.equal(verdictOf(issued, { nowS: NOW_S + 300 }), 'valid')
  assert.equal(verdictOf(issued, { nowS: NOW_S + 301 }), 'expired')
  assert.equal(verdictOf(issued, { nowS: NOW_S - 60 }), 'valid')
  assert.equal(verdictOf(issued, { nowS: NOW_S - 61 }), 'expired')
})
