import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventParser } from '../../../packages/console/src/page/logic/server-sent-events.ts'

const stream =
  ': here\n\nretry: 2000\n\nid: 7\nevent: authentication\ndata: {"a":1}\n\ndata: one\r\ndata: two\r\n\r\nevent: x\n\n'
const events = [
  { type: 'authentication', data: '{"a":1}', id: '7' },
  { type: 'message', data: 'one\ntwo', id: '7' },
]

test('events come out whole: comments, empty events and unknown fields are left out, the id stays', () => {
  assert.deepEqual(new EventParser().read(stream), events)
})

test('wherever the stream is cut into pieces, the same events come out', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), stream.length]
      const parser = new EventParser()
      const read = places.slice(1).flatMap((end, i) => parser.read(stream.slice(places[i], end)))
      assert.deepEqual(read, events)
    }),
  )
})

test('an event that was cut off is none', () => {
  assert.deepEqual(new EventParser().read('data: half'), [])
  assert.deepEqual(new EventParser().read('data: half\n'), [])
})

test('a line that never ends is refused', () => {
  const parser = new EventParser()
  assert.throws(() => {
    for (let i = 0; i < 5; i++) parser.read('x'.repeat(1024 * 1024))
  }, RangeError)
})
