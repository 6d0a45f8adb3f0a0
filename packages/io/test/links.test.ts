// Links in lock step, on real sockets.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { frameOf } from '../src/frames.ts'
import { FrameLink } from '../src/index.ts'
import { closed, nothingHeld, socketPair } from './support.ts'

const limits = { timeoutMs: 30_000 }
const options = { maxFrameOctets: 4096, transcript: true }

async function linkAndPeer(t: TestContext): Promise<[FrameLink<Socket>, Socket]> {
  const [ours, theirs] = await socketPair(t)
  return [new FrameLink(ours, options), theirs]
}

async function linkPair(t: TestContext): Promise<[FrameLink<Socket>, FrameLink<Socket>]> {
  const [ours, theirs] = await socketPair(t)
  return [new FrameLink(ours, options), new FrameLink(theirs, options)]
}

test('frames go both ways, in order', async (t) => {
  const [a, b] = await linkPair(t)
  for (const text of ['one', 'two', 'three']) {
    await a.send(Buffer.from(text))
    assert.equal((await b.receive(limits)).toString(), text)
    await b.send(Buffer.from(`${text} back`))
    assert.equal((await a.receive(limits)).toString(), `${text} back`)
  }
})

test('prefix and body go in one write', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  await link.send(Buffer.from('body'))
  const [chunk] = await once(peer, 'data')
  assert.deepEqual(chunk, Buffer.from('\0\0\0\x04body'))
})

test('both sides have the same transcript hash: SHA-256 over all frames with their prefixes, in order', async (t) => {
  const [a, b] = await linkPair(t)
  await a.send(Buffer.from('request'))
  await b.receive(limits)
  await b.send(Buffer.from('offer'))
  await a.receive(limits)
  const expected = createHash('sha256').update('\0\0\0\x07request\0\0\0\x05offer').digest()
  assert.deepEqual(a.transcriptHash(), expected)
  assert.deepEqual(b.transcriptHash(), expected)
})

test('the transcript may be asked for at any time, and goes on', async (t) => {
  const [link] = await linkAndPeer(t)
  await link.send(Buffer.from('a'))
  const before = link.transcriptHash()
  assert.deepEqual(link.transcriptHash(), before)
  await link.send(Buffer.from('b'))
  assert.notDeepEqual(link.transcriptHash(), before)
})

test('a link that was not asked to keep a transcript has none', async (t) => {
  const [socket] = await socketPair(t)
  assert.throws(() => new FrameLink(socket, { maxFrameOctets: 1 }).transcriptHash(), TypeError)
})

test('a link with a transcript carries a bounded number of octets', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  peer.resume()
  const tooMany = async () => {
    for (let i = 0; i < 65; i++) await link.send(Buffer.alloc(4096))
  }
  await assert.rejects(tooMany(), { code: 'TRANSCRIPT_TOO_LONG' })
  await closed(link.socket)
})

test('a peer that dribbles an octet at a time is cut off: the time counts for the whole frame', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [link, peer] = await linkAndPeer(t)
  const frame = frameOf(Buffer.alloc(100))
  const waiting = assert.rejects(link.receive({ timeoutMs: 150 }), { code: 'DEADLINE_EXCEEDED' })
  for (let sent = 0; sent < 10; sent++) {
    assert.equal(link.socket.destroyed, false)
    peer.write(frame.subarray(sent, sent + 1))
    while (link.socket.bytesRead <= sent) await new Promise(setImmediate)
    t.mock.timers.tick(15)
  }
  await waiting
  await closed(peer)
})

test('silence ends with the deadline, and the connection with it', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  await assert.rejects(link.receive({ timeoutMs: 30 }), { code: 'DEADLINE_EXCEEDED' })
  await closed(peer)
  await assert.rejects(link.receive(limits), { code: 'DEADLINE_EXCEEDED' })
  await assert.rejects(link.send(Buffer.from('x')), { code: 'DEADLINE_EXCEEDED' })
})

test('a frame that came before its deadline was due is not lost to it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [link, peer] = await linkAndPeer(t)
  peer.write(frameOf(Buffer.from('x')))
  await link.receive({ timeoutMs: 100 })
  t.mock.timers.tick(150)
  peer.write(frameOf(Buffer.from('y')))
  assert.equal((await link.receive(limits)).toString(), 'y')
})

test('a length above the limit ends the link before any octet of the body comes', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  peer.write(Buffer.from('00001001', 'hex'))
  await assert.rejects(link.receive(limits), { code: 'FRAME_TOO_LARGE' })
  await closed(peer)
})

test('a length of zero ends the link', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  peer.write(Buffer.alloc(4))
  await assert.rejects(link.receive(limits), { code: 'FRAME_EMPTY' })
  await closed(peer)
})

test('the end inside a frame is told from the end between frames, at every cut', async (t) => {
  const frame = frameOf(Buffer.from('abc'))
  for (let cut = 0; cut <= frame.length; cut++) {
    const [link, peer] = await linkAndPeer(t)
    peer.end(frame.subarray(0, cut))
    if (cut === frame.length) await link.receive(limits)
    const code = cut === 0 || cut === frame.length ? 'LINK_CLOSED' : 'FRAME_TRUNCATED'
    await assert.rejects(link.receive(limits), { code }, `cut at ${cut}`)
  }
})

test('frames that came before the end are still given', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  peer.end(Buffer.concat([frameOf(Buffer.from('a')), frameOf(Buffer.from('b'))]))
  assert.equal((await link.receive(limits)).toString(), 'a')
  assert.equal((await link.receive(limits)).toString(), 'b')
  await assert.rejects(link.receive(limits), { code: 'LINK_CLOSED' })
})

test('a reset by the other side is LINK_CLOSED with its cause, and ends no process', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  const waiting = assert.rejects(link.receive(limits), (error: Error & { code: string }) => {
    assert.equal(error.code, 'LINK_CLOSED')
    assert.equal((error.cause as { code: string }).code, 'ECONNRESET')
    return true
  })
  peer.resetAndDestroy()
  await waiting
})

test('a link made on a socket that has ended already says so', async (t) => {
  const [socket] = await socketPair(t)
  socket.destroy()
  const link = new FrameLink(socket, options)
  await assert.rejects(link.receive(limits), { code: 'LINK_CLOSED' })
  await assert.rejects(link.send(Buffer.from('x')), { code: 'LINK_CLOSED' })
})

test('the signal ends the wait and frees the connection', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  const reason = new Error('enough')
  const controller = new AbortController()
  const waiting = link.receive({ timeoutMs: 60_000, signal: controller.signal })
  controller.abort(reason)
  await assert.rejects(waiting, { code: 'ABORTED', cause: reason })
  await Promise.all([closed(peer), closed(link.socket)])
  await nothingHeld()
})

test('a signal that aborted before ends the wait too', async (t) => {
  const [link] = await linkAndPeer(t)
  await assert.rejects(link.receive({ timeoutMs: 60_000, signal: AbortSignal.abort() }), { code: 'ABORTED' })
})

test('a long-lived signal does not collect listeners', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  const { signal } = new AbortController()
  let listening = 0
  t.mock.method(signal, 'addEventListener', () => listening++)
  t.mock.method(signal, 'removeEventListener', () => listening--)
  for (let i = 0; i < 5; i++) {
    peer.write(frameOf(Buffer.from('x')))
    await link.receive({ ...limits, signal })
  }
  assert.equal(listening, 0)
})

test('two receives at once are a bug of the caller', async (t) => {
  const [link] = await linkAndPeer(t)
  const first = link.receive(limits)
  await assert.rejects(link.receive(limits), TypeError)
  link.destroy()
  await assert.rejects(first, { code: 'LINK_CLOSED' })
})

test('a body that no receiver may accept is not sent', async (t) => {
  const [link] = await linkAndPeer(t)
  assert.throws(() => link.send(Buffer.alloc(0)), RangeError)
  assert.throws(() => link.send(Buffer.alloc(4097)), RangeError)
  assert.throws(() => link.sendSoon(Buffer.alloc(4097)), RangeError)
})

test('sending to one who does not read waits, and not for ever', async (t) => {
  const [socket] = await socketPair(t)
  const link = new FrameLink(socket, { maxFrameOctets: 1 << 25 })
  await assert.rejects(link.send(Buffer.alloc(1 << 25), { timeoutMs: 50 }), { code: 'DEADLINE_EXCEEDED' })
  await closed(socket)
})

test('sending resolves when the other side reads at last', async (t) => {
  const [socket, peer] = await socketPair(t)
  const link = new FrameLink(socket, { maxFrameOctets: 1 << 24 })
  const sent = link.send(Buffer.alloc(1 << 24), limits)
  peer.resume()
  await sent
})

test('a wait for room ends with the connection', async (t) => {
  const [socket, peer] = await socketPair(t)
  const link = new FrameLink(socket, { maxFrameOctets: 1 << 25 })
  const sent = assert.rejects(link.send(Buffer.alloc(1 << 25), limits), { code: 'LINK_CLOSED' })
  peer.resetAndDestroy()
  await sent
})

test('close sends what is queued, also to one who had sent what we never read', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  peer.write(Buffer.alloc(100_000))
  link.sendSoon(Buffer.from('farewell'))
  link.close()
  assert.deepEqual(Buffer.concat(await peer.toArray()), frameOf(Buffer.from('farewell')))
  await closed(link.socket)
})

test('close is over as soon as the other side has ended too, whatever it sent before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] }) // the time that it would wait at most never ends
  const [link, peer] = await linkAndPeer(t)
  peer.resume().write(Buffer.alloc(100_000))
  link.close()
  await Promise.all([closed(link.socket), closed(peer)])
})

test('close does not wait for ever for one who never ends', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [link, peer] = await linkAndPeer(t)
  peer.pause()
  link.close()
  t.mock.timers.tick(999)
  assert.equal(link.socket.destroyed, false)
  t.mock.timers.tick(1)
  await closed(link.socket)
})

test('release leaves the socket paused, usable, and with no listener but the one that swallows errors', async (t) => {
  const [socket, peer] = await socketPair(t)
  const events = ['data', 'drain', 'end', 'close', 'error'] as const
  const before = events.map((event) => socket.listenerCount(event))
  const link = new FrameLink(socket, options)
  peer.write(frameOf(Buffer.from('last')))
  await link.receive(limits)
  assert.equal(link.release(), socket)
  assert.equal(socket.isPaused(), true)
  const added = events.map((event, i) => socket.listenerCount(event) - (before[i] ?? 0))
  assert.deepEqual(added, [0, 0, 0, 0, 1])
  peer.write('next')
  const [chunk] = await once(socket.resume(), 'data')
  assert.equal(chunk.toString(), 'next')
  await assert.rejects(link.receive(limits), { code: 'LINK_CLOSED' })
})

test('octets beyond the last frame forbid the upgrade, in the same segment or in a later one', async (t) => {
  for (const together of [true, false]) {
    const [link, peer] = await linkAndPeer(t)
    const frame = frameOf(Buffer.from('last'))
    peer.write(together ? Buffer.concat([frame, Buffer.from('x')]) : frame)
    await link.receive(limits)
    if (!together) {
      peer.write('x')
      await once(link.socket, 'readable')
    }
    assert.throws(() => link.release(), { code: 'UNEXPECTED_OCTETS' })
    await closed(peer)
  }
})

test('octets beyond the answer to our frame forbid the upgrade', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  await link.send(Buffer.from('request'))
  peer.write(Buffer.concat([frameOf(Buffer.from('offer')), Buffer.from('x')]))
  await link.receive(limits)
  assert.throws(() => link.release(), { code: 'UNEXPECTED_OCTETS' })
})

test('octets that were there before our last frame went forbid the upgrade; an answer to it does not', async (t) => {
  for (const early of [true, false]) {
    const [link, peer] = await linkAndPeer(t)
    const frame = frameOf(Buffer.from('request'))
    peer.write(early ? Buffer.concat([frame, Buffer.from('hello')]) : frame)
    await link.receive(limits)
    await link.send(Buffer.from('offer'))
    if (!early) {
      await once(peer, 'data')
      peer.write('hello')
      await once(link.socket, 'readable')
    }
    if (early) assert.throws(() => link.release(), { code: 'UNEXPECTED_OCTETS' })
    else assert.equal(link.release().read().toString(), 'hello')
  }
})

test('a link in use is not released, a failed one neither', async (t) => {
  const [link, peer] = await linkAndPeer(t)
  const waiting = assert.rejects(link.receive(limits), { code: 'FRAME_EMPTY' })
  assert.throws(() => link.release(), TypeError)
  peer.write(Buffer.alloc(4))
  await waiting
  assert.throws(() => link.release(), { code: 'FRAME_EMPTY' })
})
