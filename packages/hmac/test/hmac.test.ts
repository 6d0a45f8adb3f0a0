// HMAC-SHA-256 on one-shot hashes: the values of RFC 4231, and those of node:crypto.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacSha256 } from '../src/index.ts'

test('RFC 4231 section 4.3: test case 2', () => {
  const mac = hmacSha256(Buffer.from('Jefe'))(Buffer.from('what do ya want for nothing?'))
  assert.equal(mac.toString('hex'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
})

test('property: the MAC of node:crypto, for each of several messages under one key', () => {
  const octets = (maxLength: number) => fc.uint8Array({ maxLength })
  fc.assert(
    fc.property(octets(64), fc.array(octets(300), { maxLength: 4 }), (key, messages) => {
      const mac = hmacSha256(key)
      const ours = messages.map((message) => mac(message))
      for (const [i, message] of messages.entries()) {
        assert.deepEqual(ours[i], createHmac('sha256', key).update(message).digest())
      }
    }),
  )
})

test('a key longer than a block is a RangeError: no key of ours is that long', () => {
  assert.throws(() => hmacSha256(Buffer.alloc(65)), RangeError)
})
