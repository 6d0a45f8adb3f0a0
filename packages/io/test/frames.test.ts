// Frames put together from chunks: docs/protocol.md section 3.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameReader, frameOf } from '../src/frames.ts'

/** All bodies that come out when the octets arrive in these pieces. */
function readAll(pieces: readonly Buffer[], maxFrameOctets: number): Buffer[] {
  const reader = new FrameReader(maxFrameOctets)
  const bodies: Buffer[] = []
  for (const piece of pieces) {
    reader.push(piece)
    for (let frame = reader.next(); frame; frame = reader.next()) bodies.push(frame.subarray(4))
  }
  return bodies
}

function cutAt(octets: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % octets.length))].sort((a, b) => a - b)
  return [0, ...cuts].map((start, i) => octets.subarray(start, cuts[i] ?? octets.length))
}

test('however the network cuts them, the same frames come out', () => {
  const body = fc.uint8Array({ minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(fc.array(body, { minLength: 1, maxLength: 8 }), fc.array(fc.nat()), (bodies, places) => {
      const octets = Buffer.concat(bodies.map(frameOf))
      const got = readAll(cutAt(octets, places), 300)
      assert.deepEqual(got, bodies.map(Buffer.from))
    }),
  )
})

test('octet by octet is as good as at once, for the largest body too', () => {
  const body = Buffer.alloc(4096, 7)
  const octets = frameOf(body)
  const pieces = Array.from(octets, (_, i) => octets.subarray(i, i + 1))
  assert.deepEqual(readAll(pieces, 4096), [body])
})

test('a frame that came whole is not copied', () => {
  const reader = new FrameReader(10)
  const chunk = Buffer.concat([frameOf(Buffer.from('one')), frameOf(Buffer.from('two'))])
  reader.push(chunk)
  assert.equal(reader.next()?.buffer, chunk.buffer)
  assert.equal(reader.next()?.buffer, chunk.buffer)
})

test('a length above the limit is refused as soon as its fourth octet is there', () => {
  const prefix = Buffer.from([0, 0, 0, 11])
  for (const pieces of [[prefix], [prefix.subarray(0, 3), prefix.subarray(3)]]) {
    assert.throws(() => readAll(pieces, 10), { code: 'FRAME_TOO_LARGE' })
  }
  assert.deepEqual(readAll([prefix.subarray(0, 3)], 10), [])
})

test('a length with the top bit set is large, not negative', () => {
  assert.throws(() => readAll([Buffer.from('ffffffff', 'hex')], 65_536), { code: 'FRAME_TOO_LARGE' })
})

test('a length of zero is refused', () => {
  assert.throws(() => readAll([Buffer.alloc(4)], 10), { code: 'FRAME_EMPTY' })
})

test('the limit itself is allowed', () => {
  assert.equal(readAll([frameOf(Buffer.alloc(10))], 10)[0]?.length, 10)
})

test('octets that wait are counted, and taken out as they came', () => {
  const reader = new FrameReader(10)
  reader.push(Buffer.from([0, 0]))
  assert.equal(reader.next(), undefined)
  reader.push(Buffer.from([0, 3, 1]))
  assert.equal(reader.buffered, 5)
  assert.deepEqual(reader.rest(), Buffer.from([0, 0, 0, 3, 1]))
  assert.equal(reader.buffered, 0)
})
