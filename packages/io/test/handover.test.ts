// FrameLink.handOver: after the last frame the connection carries something else, of which no octet may be lost.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { FrameLink } from '../src/index.ts'

const options = { maxFrameOctets: 64 }
const limits = { timeoutMs: 30_000 }
const frame = Buffer.from('0000000261620000', 'hex').subarray(0, 6)

async function read(stream: PassThrough): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString()
}

test('octets that came together with the last frame are the first that the next reader gets', async () => {
  const socket = new PassThrough()
  const link = new FrameLink(socket, options)
  socket.write(Buffer.concat([frame, Buffer.from('first ')]))
  assert.equal((await link.receive(limits)).toString(), 'ab')
  socket.end('second')
  assert.equal(link.handOver(), socket)
  assert.equal(await read(socket), 'first second')
})

test('octets that look like the start of a frame, and come in pieces, are handed over as they are', async () => {
  const socket = new PassThrough()
  const link = new FrameLink(socket, options)
  socket.write(Buffer.concat([frame, Buffer.from([0xff])]))
  await link.receive(limits)
  const reader = link.handOver()
  socket.write(Buffer.from([0xff, 0xff]))
  socket.end(Buffer.from([0xff]))
  assert.deepEqual(Buffer.concat(await reader.toArray()), Buffer.alloc(4, 0xff))
})

test('a connection that has ended after the surplus still gives it', async () => {
  const socket = new PassThrough()
  const link = new FrameLink(socket, options)
  socket.end(Buffer.concat([frame, Buffer.from('last')]))
  await link.receive(limits)
  await new Promise(setImmediate)
  assert.equal(await read(link.handOver()), 'last')
})

test('a link that failed is not handed over, and one in use neither', async () => {
  const socket = new PassThrough()
  const link = new FrameLink(socket, options)
  const waiting = assert.rejects(link.receive(limits), { code: 'FRAME_TOO_LARGE' })
  assert.throws(() => link.handOver(), TypeError)
  socket.write(Buffer.alloc(4, 0xff))
  await waiting
  if (!socket.closed) await once(socket, 'close')
  assert.throws(() => link.handOver(), { code: 'FRAME_TOO_LARGE' })
})
