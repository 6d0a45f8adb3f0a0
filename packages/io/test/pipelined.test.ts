// Links with many frames in flight: `sendSoon` and `frames`.

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import { frameOf } from '../src/frames.ts'
import { FrameLink } from '../src/index.ts'
import { closed, nothingHeld, socketPair } from './support.ts'

const options = { maxFrameOctets: 65_536 }

test('many frames come to the handler, each once and in order', async (t) => {
  const [a, b] = await socketPair(t)
  const sender = new FrameLink(a, options)
  const got: number[] = []
  const reading = new FrameLink(b, options).frames((body) => got.push(body.readUInt32BE()))
  const count = 20_000
  for (let i = 0; i < count; i++) {
    const body = Buffer.alloc(4 + (i % 50))
    body.writeUInt32BE(i)
    if (!sender.sendSoon(body)) await sender.drained()
  }
  sender.close()
  await reading
  assert.deepEqual(
    got,
    Array.from({ length: count }, (_, i) => i),
  )
})

test('what is sent within a tick goes in one write; what send adds comes after it', async (t) => {
  const [a, b] = await socketPair(t)
  const link = new FrameLink(a, options)
  const write = t.mock.method(a, 'write')
  for (const text of ['a', 'b', 'c']) link.sendSoon(Buffer.from(text))
  assert.equal(write.mock.callCount(), 0)
  await new Promise(setImmediate)
  assert.equal(write.mock.callCount(), 1)
  link.sendSoon(Buffer.from('d'))
  await link.send(Buffer.from('e'))
  link.close()
  const octets = Buffer.concat(await b.toArray())
  assert.deepEqual(octets, Buffer.concat(['a', 'b', 'c', 'd', 'e'].map((text) => frameOf(Buffer.from(text)))))
})

test('reading stops while the handler has enough to do, and goes on after', async (t) => {
  const [a, b] = await socketPair(t)
  const sender = new FrameLink(a, options)
  const done: (() => void)[] = []
  const handler = () => new Promise<void>((resolve) => done.push(resolve))
  const link = new FrameLink(b, options)
  const reading = link.frames(handler, { maxPending: 3 })
  for (let i = 0; i < 10; i++) sender.sendSoon(Buffer.from([i]))
  await once(b, 'pause')
  await new Promise(setImmediate)
  assert.equal(done.length, 3)
  done.shift()?.()
  await new Promise(setImmediate)
  assert.equal(done.length, 3, 'one done, one more begun')
  const finish = setInterval(() => done.shift()?.(), 1)
  sender.close()
  await reading
  clearInterval(finish)
})

test('while the handler has enough to do, the other side is held up by TCP', async (t) => {
  const [a, b] = await socketPair(t)
  const sender = new FrameLink(a, options)
  let resume = () => {}
  const reading = new FrameLink(b, options).frames(
    () =>
      new Promise<void>((resolve) => {
        resume = resolve
      }),
    { maxPending: 1 },
  )
  const flood = async () => {
    for (let i = 0; i < 2000; i++) await sender.send(Buffer.alloc(65_536), { timeoutMs: 200 })
  }
  await assert.rejects(flood(), { code: 'DEADLINE_EXCEEDED' })
  assert.ok(b.readableLength < 256 * 1024)
  resume()
  b.destroy()
  await reading.catch(() => {})
})

test('one who does not read makes sendSoon say so, then ends the link at the bound', async (t) => {
  const [a] = await socketPair(t)
  const link = new FrameLink(a, { ...options, maxQueuedOctets: 1 << 20 })
  const reading = assert.rejects(
    link.frames(() => {}),
    { code: 'SEND_QUEUE_FULL' },
  )
  let slow = false
  while (!a.destroyed) {
    const room = link.sendSoon(Buffer.alloc(65_536))
    if (!room && !a.destroyed) slow = true
    await new Promise(setImmediate)
  }
  assert.ok(slow)
  await reading
})

test('a frame for a closed link is dropped, and the caller told', async (t) => {
  const [a] = await socketPair(t)
  const link = new FrameLink(a, options)
  link.destroy()
  assert.equal(link.sendSoon(Buffer.from('x')), false)
})

test('what the handler throws, or rejects with, ends the link', async (t) => {
  const bug = new Error('bug')
  const handlers = [
    () => {
      throw bug
    },
    () => Promise.reject(bug),
  ]
  for (const handler of handlers) {
    const [a, b] = await socketPair(t)
    a.write(frameOf(Buffer.from('x')))
    await assert.rejects(new FrameLink(b, options).frames(handler), bug)
    await closed(a)
  }
})

test('a malformed frame ends the link after the good ones before it', async (t) => {
  const [a, b] = await socketPair(t)
  const got: string[] = []
  a.write(Buffer.concat([frameOf(Buffer.from('good')), Buffer.alloc(4, 0xff), frameOf(Buffer.from('late'))]))
  const reading = new FrameLink(b, options).frames((body) => got.push(body.toString()))
  await assert.rejects(reading, { code: 'FRAME_TOO_LARGE' })
  assert.deepEqual(got, ['good'])
})

test('the end inside a frame, and a reset, are not an orderly end', async (t) => {
  const [a, b] = await socketPair(t)
  const reading = assert.rejects(
    new FrameLink(b, options).frames(() => {}),
    { code: 'FRAME_TRUNCATED' },
  )
  a.end(Buffer.from([0, 0, 0]))
  await reading
  const [c, d] = await socketPair(t)
  const reset = assert.rejects(
    new FrameLink(d, options).frames(() => {}),
    { code: 'LINK_CLOSED' },
  )
  c.resetAndDestroy()
  await reset
})

test('our own close is an orderly end', async (t) => {
  const [a] = await socketPair(t)
  const link = new FrameLink(a, options)
  const reading = link.frames(() => {})
  link.close()
  await reading
})

test('a close from within the handler stops the frames that follow', async (t) => {
  const [a, b] = await socketPair(t)
  const link = new FrameLink(b, options)
  let calls = 0
  a.write(Buffer.concat([frameOf(Buffer.from('1')), frameOf(Buffer.from('2'))]))
  await link.frames(() => {
    calls++
    link.close()
  })
  assert.equal(calls, 1)
})

test('silence ends a link that may not be idle; single octets do not prolong it, frames do', async (t) => {
  const [a, b] = await socketPair(t)
  const timer = { ms: 0, prolonged: 0, refresh: () => timer.prolonged++, expire: () => {} }
  const mocked = t.mock.method(globalThis, 'setTimeout', (expire: () => void, ms: number) =>
    Object.assign(timer, { expire, ms }),
  )
  const arrivals = new EventEmitter()
  const reading = new FrameLink(b, options).frames(() => arrivals.emit('frame'), { idleMs: 2000 })
  const refused = assert.rejects(reading, { code: 'DEADLINE_EXCEEDED' })
  assert.equal(timer.ms, 2000)
  for (const count of [1, 2, 3, 4]) {
    const frame = once(arrivals, 'frame')
    a.write(frameOf(Buffer.from('x')))
    await frame
    assert.equal(timer.prolonged, count)
  }
  for (const octet of Buffer.from('0000100000', 'hex')) {
    const data = once(b, 'data') // of a frame that never comes to its end
    a.write(Buffer.of(octet))
    await data
  }
  assert.equal(timer.prolonged, 4)
  timer.expire()
  await refused
  mocked.mock.restore()
  a.destroy()
  await Promise.all([closed(a), closed(b)])
  await nothingHeld()
})

test("a silence that our own handler causes is not the other side's", async (t) => {
  const [a, b] = await socketPair(t)
  const slow = () => new Promise((resolve) => setTimeout(resolve, 150))
  const reading = new FrameLink(b, options).frames(slow, { idleMs: 50, maxPending: 1 })
  a.write(frameOf(Buffer.from('x')))
  const startedAt = performance.now()
  await assert.rejects(reading, { code: 'DEADLINE_EXCEEDED' })
  assert.ok(performance.now() - startedAt >= 149)
})
