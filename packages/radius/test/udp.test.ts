// Server and client over real sockets on loopback.

import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { RadiusClient, type UdpClientOptions } from '../src/client/client.ts'
import { eapRound } from '../src/client/eap-round.ts'
import { retransmissionWaits } from '../src/client/retransmission.ts'
import { Code, decodePacket, encodePacket, type Packet } from '../src/packet.ts'
import { encodeRequest } from '../src/request.ts'
import { checkResponse, encodeResponse, type Response } from '../src/response.ts'
import { NasIdentifier, ProxyState, SessionTimeout, State, UserName } from '../src/rfc2865.ts'
import { joinEapMessage, splitEapMessage } from '../src/rfc3579.ts'
import { SharedSecret } from '../src/secret.ts'
import { createRadiusServer, type RadiusServerOptions } from '../src/server/server.ts'
import { accessRequest, attributes, secret, until } from './helpers.ts'

const host = '127.0.0.1'
const accept: Response = { code: Code.AccessAccept, attributes: [] }

async function serve(t: TestContext, options: Partial<RadiusServerOptions> = {}, listenOn = host) {
  const server = createRadiusServer({
    clients: (address) => (address === host ? { name: 'loopback', secret } : undefined),
    handle: () => accept,
    ...options,
  })
  t.after(() => server.close({ graceMs: 0 }))
  const { port } = await server.listenUdp({ host: listenOn, port: 0 })
  return { server, port }
}

/** Nothing is lost on loopback: where a test does not make time pass, no datagram is sent twice. */
const patient = { initialMs: 60_000 }

/** A bare socket: what it receives is kept, or answered by `answer`. */
async function bareSocket(t: TestContext, answer?: (datagram: Buffer) => Buffer[]) {
  const socket = createSocket('udp4').bind(0, host)
  await once(socket, 'listening')
  t.after(() => socket.close())
  const received: Buffer[] = []
  socket.on('message', (datagram, from) => {
    received.push(datagram)
    for (const octets of answer?.(datagram) ?? []) socket.send(octets, from.port, from.address)
  })
  return { socket, received, port: socket.address().port }
}

function connect(t: TestContext, port: number, options: Partial<UdpClientOptions> = {}): RadiusClient {
  const client = new RadiusClient({ host, port, secret, retransmission: patient, ...options })
  t.after(() => client.close())
  return client
}

/** Resolves when the bare socket has received so many, however the timers are. */
async function received(bare: { received: Buffer[] }, count: number): Promise<void> {
  while (bare.received.length < count) await new Promise(setImmediate)
}

/** Sends all, and then a request that is answered: what came before it and was not answered is refused. */
async function sendThenAsk(socket: Socket, received: Buffer[], port: number, datagrams: Buffer[]): Promise<void> {
  for (const datagram of datagrams) socket.send(datagram, port, host)
  const last = accessRequest(200)
  socket.send(last.octets, port, host)
  await until(() => received.some((octets) => octets[1] === 200), 'the last request is answered')
  checkResponse(decodePacket(received.find((octets) => octets[1] === 200) as Buffer), last, secret)
}

test('bad datagrams get no answer, and the server goes on', async (t) => {
  const { server, port } = await serve(t)
  const { socket, received } = await bareSocket(t)
  const unauthenticated = encodePacket({ code: 1, identifier: 2, authenticator: Buffer.alloc(16) }, attributes)
  const oversized = Buffer.alloc(5000, 1)
  await sendThenAsk(socket, received, port, [
    Buffer.from('not RADIUS at all'),
    oversized,
    unauthenticated,
    encodeRequest(Code.AccessRequest, 3, attributes, SharedSecret.of('wrong')).octets,
    encodePacket({ code: Code.AccessAccept, identifier: 4, authenticator: Buffer.alloc(16) }, []),
    encodePacket({ code: Code.AccessChallenge, identifier: 5, authenticator: Buffer.alloc(16) }, []),
  ])
  assert.equal(received.length, 1)
  const { discarded } = server.counters()
  assert.equal(discarded.malformed, 2)
  assert.equal(discarded['missing-message-authenticator'], 1)
  assert.equal(discarded['bad-message-authenticator'], 1)
  assert.equal(discarded['not-a-request'], 2)
})

test('a datagram with padding is answered', async (t) => {
  const { port } = await serve(t)
  const { socket, received } = await bareSocket(t)
  socket.send(Buffer.concat([accessRequest().octets, Buffer.alloc(30)]), port, host)
  await until(() => received.length === 1, 'it is answered')
})

test('an unknown source gets no answer', async (t) => {
  const { server, port } = await serve(t, { clients: () => undefined })
  const { socket, received } = await bareSocket(t)
  socket.send(accessRequest().octets, port, host)
  await until(() => server.counters().discarded['unknown-client'] === 1, 'it is counted')
  assert.deepEqual(received, [])
})

test('duplicates at once are handled once', async (t) => {
  let calls = 0
  const { promise, resolve } = Promise.withResolvers<Response>()
  const { server, port } = await serve(t, {
    handle() {
      calls++
      return promise
    },
  })
  const { socket, received } = await bareSocket(t)
  const { octets } = accessRequest()
  for (let i = 0; i < 4; i++) socket.send(octets, port, host)
  await until(() => server.counters().discarded['in-progress'] === 3, 'all have come')
  resolve(accept)
  await until(() => received.length === 1, 'one answer came')
  socket.send(octets, port, host)
  await until(() => received.length === 2, 'the same came again')
  assert.deepEqual(received[1], received[0])
  assert.equal(calls, 1)
})

test('Proxy-State comes back in its order', async (t) => {
  const { port } = await serve(t)
  const states = ['2', '1', '3'].map((value) => ProxyState.of(Buffer.from(value)))
  const answer = await connect(t, port).request([...attributes, ...states])
  assert.deepEqual(ProxyState.findAll(answer.attributes).map(String), ['2', '1', '3'])
})

test('an EAP packet of 1500 octets goes there and back', async (t) => {
  const eap = Buffer.alloc(1500, 'eap')
  const { port } = await serve(t, {
    handle(request) {
      const received = joinEapMessage(request.attributes) as Buffer
      return { code: Code.AccessChallenge, attributes: [...splitEapMessage(received), State.of(Buffer.from('s'))] }
    },
  })
  const answer = await eapRound(connect(t, port), { userName: 'a@b', eapMessage: eap, nasIdentifier: 'ap1' })
  assert.deepEqual(answer.eapMessage, eap)
})

test('a round of EAP: what is sent, and what it gives', async (t) => {
  const msk = Buffer.alloc(64, 'msk')
  const seen: Packet[] = []
  const { port } = await serve(t, {
    handle(request) {
      seen.push(request)
      return {
        code: Code.AccessAccept,
        attributes: [SessionTimeout.of(3600), ...splitEapMessage(Buffer.from('03010004', 'hex'))],
        msk,
      }
    },
  })
  const eapMessage = Buffer.from('0201000501', 'hex')
  const state = Buffer.from('state')
  const answer = await eapRound(connect(t, port), { userName: 'a@b', eapMessage, nasIdentifier: 'ap1', state })
  const sent = seen[0]?.attributes ?? []
  assert.equal(UserName.find(sent), 'a@b')
  assert.equal(NasIdentifier.find(sent), 'ap1')
  assert.deepEqual(State.find(sent), state)
  assert.deepEqual(joinEapMessage(sent), eapMessage)
  assert.equal(answer.code, Code.AccessAccept)
  assert.equal(answer.eapMessage?.toString('hex'), '03010004')
  assert.equal(answer.sessionTimeoutS, 3600)
  assert.deepEqual(answer.msk, msk)
  assert.ok(!inspect(answer, { showHidden: true, depth: 9 }).includes(inspect(msk).slice(8, 40)))
})

test('Status-Server is answered', async (t) => {
  const { server, port } = await serve(t)
  await connect(t, port).status()
  assert.equal(server.counters().answered, 1)
})

test('a server on :: takes IPv4 under its own address', async (t) => {
  const seen: string[] = []
  const { port } = await serve(
    t,
    {
      clients(address) {
        seen.push(address)
        return { name: 'loopback', secret }
      },
    },
    '::',
  )
  await connect(t, port).request(attributes)
  assert.deepEqual(seen, [host])
})

test('the client sends the same octets again until it is answered', { timeout: 60_000 }, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let silences = 2
  const bare = await bareSocket(t, (datagram) =>
    silences-- > 0 ? [] : [encodeResponse(accept, decodePacket(datagram), secret)],
  )
  const answered = connect(t, bare.port, { retransmission: { initialMs: 1000 } }).request(attributes)
  for (const count of [1, 2]) {
    await received(bare, count)
    t.mock.timers.tick(4000)
  }
  await answered
  assert.equal(bare.received.length, 3)
  assert.deepEqual(bare.received[1], bare.received[0])
  assert.deepEqual(bare.received[2], bare.received[0])
})

test('identifiers are used in turn, so that a late answer meets no new request', async (t) => {
  const bare = await bareSocket(t, (datagram) => [encodeResponse(accept, decodePacket(datagram), secret)])
  const client = connect(t, bare.port)
  for (let i = 0; i < 258; i++) await client.request(attributes)
  const identifiers = bare.received.map((octets) => octets[1])
  assert.deepEqual(
    identifiers.slice(0, 256),
    Array.from({ length: 256 }, (_, i) => i),
  )
  assert.deepEqual(identifiers.slice(256), [0, 1])
})

test('a client without an answer gives up', { timeout: 60_000 }, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const bare = await bareSocket(t)
  const client = connect(t, bare.port, { retransmission: { initialMs: 1000, maxTransmissions: 3 } })
  const refused = assert.rejects(client.request(attributes), { name: 'RadiusError', code: 'RADIUS_NO_ANSWER' })
  for (const count of [1, 2, 3]) {
    await received(bare, count)
    t.mock.timers.tick(8000)
  }
  await refused
  assert.equal(bare.received.length, 3)
})

test('a port that nobody listens on is no answer', async (t) => {
  const bare = createSocket('udp4').bind(0, host)
  await once(bare, 'listening')
  const { port } = bare.address()
  await new Promise<void>((resolve) => bare.close(() => resolve()))
  const client = connect(t, port, { retransmission: { initialMs: 3, maxTransmissions: 3 } })
  await assert.rejects(client.request(attributes), { code: 'RADIUS_NO_ANSWER' })
})

test('the client ignores forged answers and takes the true one', async (t) => {
  const bare = await bareSocket(t, (datagram) => {
    const request = decodePacket(datagram)
    const answer = encodeResponse(accept, request, secret)
    const otherIdentifier = Buffer.from(answer)
    otherIdentifier[1] = (request.identifier + 1) & 0xff
    const withoutMessageAuthenticator = encodePacket({ ...request, code: Code.AccessAccept }, [])
    withoutMessageAuthenticator.set(secret.md5After(withoutMessageAuthenticator), 4)
    return [
      Buffer.from('garbage'),
      encodeResponse(accept, request, SharedSecret.of('forger')),
      otherIdentifier,
      withoutMessageAuthenticator,
      datagram,
      encodeResponse({ code: Code.AccessReject, attributes: [] }, request, secret),
    ]
  })
  const client = connect(t, bare.port)
  assert.equal((await client.request(attributes)).code, Code.AccessReject)
  assert.equal(client.ignored, 5)
})

test('answers out of order find their requests', async (t) => {
  const held: Buffer[] = []
  const bare = await bareSocket(t, (datagram) => {
    held.push(datagram)
    if (held.length < 3) return []
    return held.reverse().map((octets) => {
      const request = decodePacket(octets)
      const name = UserName.find(request.attributes) as string
      return encodeResponse({ code: Code.AccessChallenge, attributes: [State.of(Buffer.from(name))] }, request, secret)
    })
  })
  const client = connect(t, bare.port)
  const names = ['a', 'b', 'c']
  const answers = await Promise.all(names.map((name) => client.request([UserName.of(name)])))
  assert.deepEqual(
    answers.map((answer) => String(State.find(answer.attributes))),
    names,
  )
})

test('more than 256 requests in flight use several sockets, and more than the bound are refused', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Response>()
  const ports = new Set<number>()
  const { server, port } = await serve(t, {
    handle(_request, context) {
      ports.add(context.port)
      return promise
    },
  })
  const client = connect(t, port, { maxLanes: 2, retransmission: {} }) // so many may be too many for the socket
  const requests = Array.from({ length: 513 }, () => client.request(attributes))
  const outcomes = Promise.allSettled(requests)
  await until(() => server.counters().received >= 512, 'all are in flight')
  resolve(accept)
  const rejected = (await outcomes).filter((outcome) => outcome.status === 'rejected')
  assert.equal(rejected.length, 1)
  assert.deepEqual(
    rejected.map(({ reason }) => reason.code),
    ['RADIUS_BUSY'],
  )
  assert.equal(ports.size, 2)
  await client.request(attributes)
})

test('a signal ends the wait', async (t) => {
  const bare = await bareSocket(t)
  const client = connect(t, bare.port)
  const controller = new AbortController()
  const request = client.request(attributes, { signal: controller.signal })
  await until(() => bare.received.length === 1, 'it is sent')
  controller.abort(new Error('no more'))
  await assert.rejects(request, /no more/)
  await assert.rejects(client.request(attributes, { signal: controller.signal }), /no more/)
})

test('closing the client ends its requests', async (t) => {
  const bare = await bareSocket(t)
  const client = connect(t, bare.port)
  const request = client.request(attributes)
  await until(() => bare.received.length === 1, 'it is sent')
  client.close()
  await assert.rejects(request, { code: 'RADIUS_CLOSED' })
  await assert.rejects(client.request(attributes), { code: 'RADIUS_CLOSED' })
})

test('a host without an address is unreachable', async (t) => {
  const client = new RadiusClient({ host: 'no-such-host.invalid', port: 1812, secret })
  t.after(() => client.close())
  await assert.rejects(client.request(attributes), { code: 'RADIUS_UNREACHABLE' })
})

test('a server that closes answers what is in progress, and takes nothing new', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Response>()
  const { server, port } = await serve(t, { handle: () => promise })
  const { socket, received } = await bareSocket(t)
  socket.send(accessRequest(1).octets, port, host)
  await until(() => server.counters().received === 1, 'it has come')
  const closing = server.close()
  await new Promise((sent) => socket.send(accessRequest(2).octets, port, host, sent))
  // It is in the server's socket now; two turns of the loop read it, if anything does.
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
  resolve(accept)
  await closing
  await until(() => received.length === 1, 'the first is answered')
  assert.equal(server.counters().received, 1)
})

test('a server closes by its signal', async (t) => {
  const controller = new AbortController()
  const { port } = await serve(t, { signal: controller.signal })
  controller.abort()
  const again = createSocket('udp4')
  t.after(() => again.close())
  again.bind(port, host)
  await once(again, 'listening')
})

test('a port that is taken cannot be listened on', async (t) => {
  const { server, port } = await serve(t)
  await assert.rejects(server.listenUdp({ host, port }), { name: 'RadiusError', code: 'RADIUS_LISTEN_FAILED' })
})

test('RFC 5080 section 2.2.1: 2 s, then doubled up to 16 s, 30 s in all, within a tenth', () => {
  assert.deepEqual([...retransmissionWaits({}, () => 0.5)], [2000, 4000, 8000, 16_000])
  const low = [...retransmissionWaits({}, () => 0)]
  const high = [...retransmissionWaits({}, () => 1)]
  assert.equal(low[0], 1800)
  assert.equal(high[0], 2200)
  assert.equal(
    high.reduce((sum, wait) => sum + wait),
    30_000,
  )
  assert.deepEqual([...retransmissionWaits({ initialMs: 100, maxTransmissions: 2 }, () => 0.5)], [100, 200])
})
