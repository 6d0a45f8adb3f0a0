// HMAC-SHA-256 on one-shot hashes: the values of RFC 4231, and those of node:crypto.
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacSha256 } from '../src/index.ts'

test('RFC 4231 section 4.3: test case 2', () => {
  const mac = hmacSha256(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'))
  assert.equal(mac.toString('hex'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
})

test('property: the MAC of node:crypto, whatever was computed before', () => {
  const octets = (maxLength: number) => fc.uint8Array({ maxLength })
  fc.assert(
    fc.property(fc.array(fc.tuple(octets(64), octets(300)), { maxLength: 4 }), (all) => {
      const ours = all.map(([key, message]) => hmacSha256(key, message))
      const theirs = all.map(([key, message]) => createHmac('sha256', key).update(message).digest())
      assert.deepEqual(ours, theirs)
    }),
  )
})

for (const length of [2047, 2048, 2049, 70_000]) {
  test(`a message of ${length} octets`, () => {
    const [key, message] = [randomBytes(32), randomBytes(length)]
    assert.deepEqual(hmacSha256(key, message), createHmac('sha256', key).update(message).digest())
  })
}

test('a key longer than a block is a RangeError: no key of ours is that long', () => {
  assert.throws(() => hmacSha256(Buffer.alloc(65), Buffer.alloc(0)), RangeError)
})
