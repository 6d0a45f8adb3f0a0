// The session after step 8: presence with its Pings, the reasons of its end, and the end of a service's stream.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { FrameLink } from '@opencpns/io'
import { decode, deriveLocalKey, EndReason, encode, Ping, Pong, SessionEnd } from '@opencpns/protocol'
import { connect, type Session } from '../src/index.ts'
import { presenceSession } from '../src/session.ts'
import { credential, euKey, limits, scriptedGateway } from './gateway.ts'

interface Ends {
  readonly session: Session
  readonly gateway: FrameLink<TLSSocket>
}

/** Both ends of a session; it is a service's when `service` is given. */
async function opened(t: TestContext, service?: string): Promise<Ends> {
  const { promise, resolve } = Promise.withResolvers<FrameLink<TLSSocket>>()
  const at = await scriptedGateway(t, async (device) => {
    await device.request()
    resolve(await device.respond(await device.secure(deriveLocalKey(euKey))))
  })
  const session = await connect({ ...at, credential, service })
  return { session, gateway: await promise }
}

async function next(gateway: FrameLink): Promise<string> {
  return decode(await gateway.receive(limits), Ping, Pong).type
}

test('a Ping is answered by a Pong', async (t) => {
  const { session, gateway } = await opened(t)
  await gateway.send(encode(Ping, {}))
  assert.equal(await next(gateway), 'Pong')
  await session.close()
})

for (const [name, reason] of Object.entries(EndReason)) {
  test(`SessionEnd ${name} ends the session with that reason`, async (t) => {
    const { session, gateway } = await opened(t)
    const streamClosed = once(session.stream, 'close')
    await gateway.send(encode(SessionEnd, { reason }))
    gateway.close()
    assert.equal(await session.closed, name)
    await streamClosed
  })
}

test('the gateway that just goes: the session is lost', async (t) => {
  const { session, gateway } = await opened(t)
  gateway.destroy()
  assert.equal(await session.closed, 'lost')
})

test('a message that does not belong in a session, or is malformed, ends it as a violation', async (t) => {
  for (const body of [Buffer.from('a10005', 'hex'), Buffer.from('ff', 'hex')]) {
    const { session, gateway } = await opened(t)
    await gateway.send(body)
    assert.equal(await session.closed, 'violation')
  }
})

test('close ends the connection: the gateway sees its end, and closing again does no harm', async (t) => {
  const { session, gateway } = await opened(t)
  const seen = assert.rejects(gateway.receive(limits), { code: 'LINK_CLOSED' })
  await session.close()
  await session.close()
  assert.equal(await session.closed, 'here')
  assert.ok(session.stream.destroyed)
  await seen
})

/** A presence session with a short interval, without TCP and TLS, and its other end. */
function quick(pingMs: number): { session: Session; gateway: FrameLink } {
  const [near, far] = duplexPair()
  const [ours, theirs] = [near, far].map((end) => new FrameLink(end, { maxFrameOctets: 64 }))
  assert.ok(ours && theirs)
  const tls = { version: 'TLSv1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' }
  const facts = { case: 'local', gateway: 'home-gw@example.org', sessionId: '', tls, ms: 1 } as const
  return { session: presenceSession(ours, facts, { pingMs }), gateway: theirs }
}

/** The two timers of a presence session that is opened next, in the hands of the test. */
function heldTimers(t: TestContext, pingMs: number) {
  const timer = () => ({ begunAnew: 0, refresh: () => {}, expire: () => {} })
  const [pings, silence] = [timer(), timer()]
  const hold = (held: typeof pings, expire: () => void) =>
    Object.assign(held, { expire, refresh: () => held.begunAnew++ })
  const { setTimeout, setInterval } = globalThis
  const interval = (expire: () => void, ms: number) => (ms === pingMs ? hold(pings, expire) : setInterval(expire, ms))
  const timeout = (expire: () => void, ms: number) =>
    ms === 2.5 * pingMs ? hold(silence, expire) : setTimeout(expire, ms)
  t.mock.method(globalThis, 'setInterval', interval)
  t.mock.method(globalThis, 'setTimeout', timeout)
  return { pings, silence }
}

test('presence: a Ping after each interval in which nothing was sent', async (t) => {
  const { pings } = heldTimers(t, 1000)
  const { session, gateway } = quick(1000)
  for (let count = 1; count <= 2; count++) {
    pings.expire()
    assert.equal(await next(gateway), 'Ping')
    await gateway.send(encode(Pong, {}))
  }
  assert.equal(pings.begunAnew, 0)
  gateway.close()
  assert.equal(await session.closed, 'lost')
})

test('presence: who answers Pings is not silent, and sends none of its own meanwhile', async (t) => {
  const { pings, silence } = heldTimers(t, 1000)
  const { session, gateway } = quick(1000)
  for (let count = 1; count <= 14; count++) {
    await gateway.send(encode(Ping, {}))
    assert.equal(await next(gateway), 'Pong')
    assert.deepEqual([pings.begunAnew, silence.begunAnew], [count, count])
  }
  silence.expire()
  assert.equal(await session.closed, 'lost')
})

test('presence: nothing received for two and a half intervals, and the session is lost', async () => {
  const { session, gateway } = quick(40)
  const startedAt = performance.now()
  const pings = gateway.frames(() => {})
  assert.equal(await session.closed, 'lost')
  const ms = performance.now() - startedAt
  assert.ok(ms >= 95 && ms < 30_000, `${ms} ms`)
  await pings
})

test('presence: a gateway that does not answer a probe in time is lost, long before silence would tell', async () => {
  const { session, gateway } = quick(60_000)
  const startedAt = performance.now()
  session.probe(50)
  session.probe(50)
  assert.equal(await next(gateway), 'Ping')
  assert.equal(await session.closed, 'lost')
  assert.ok(performance.now() - startedAt < 60_000)
})

test('presence: a probe that is answered changes nothing, and the next one counts anew', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { session, gateway } = quick(60_000)
  let ended = false
  session.closed.then(() => {
    ended = true
  })
  session.probe(50)
  assert.equal(await next(gateway), 'Ping')
  await gateway.send(encode(Pong, {}))
  await gateway.send(encode(Ping, {}))
  assert.equal(await next(gateway), 'Pong')
  t.mock.timers.tick(100)
  await new Promise(setImmediate)
  assert.equal(ended, false)
  session.probe(50)
  t.mock.timers.tick(50)
  assert.equal(await session.closed, 'lost')
})

test('a service: the gateway that ends the stream ends it here too, once all was read', async (t) => {
  const { session, gateway } = await opened(t, 'mqtt')
  gateway.handOver().end('last words')
  assert.equal(Buffer.concat(await session.stream.toArray()).toString(), 'last words')
  assert.equal(await session.closed, 'lost')
})

/** All that comes until the end of this direction; unlike iteration it leaves the other one open. */
async function text(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk) => chunks.push(chunk)).resume()
  await once(stream, 'end')
  return Buffer.concat(chunks).toString()
}

test('a service: the end of one direction ends that one alone, whoever ends first', async (t) => {
  const { session, gateway } = await opened(t, 'mqtt')
  const socket = gateway.handOver()
  socket.allowHalfOpen = true
  const answered = text(socket)
  socket.end('question')
  assert.equal(await text(session.stream), 'question')
  session.stream.end('answer')
  assert.equal(await answered, 'answer')
  assert.equal(await session.closed, 'lost')
})

test('a service: close ends the stream even while nobody reads it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] }) // the second that it would wait at most never ends
  const { session, gateway } = await opened(t, 'mqtt')
  const socket = gateway.handOver()
  socket.write(Buffer.alloc(4 * 1024 * 1024))
  socket.on('end', () => socket.end()).resume()
  await session.close()
  assert.equal(await session.closed, 'here')
  assert.ok(session.stream.destroyed)
})

test('a service: a gateway that never ends its side does not hold close up for more than a second', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { session, gateway } = await opened(t, 'mqtt')
  gateway.handOver().pause()
  const closing = session.close()
  t.mock.timers.tick(999)
  assert.equal(session.stream.destroyed, false)
  t.mock.timers.tick(1)
  await closing
})
