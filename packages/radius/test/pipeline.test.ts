// The server's pipeline without a socket: the clock is a number, a source keeps what it is told to send.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RadiusError } from '../src/errors.ts'
import { Code, decodePacket, encodePacket } from '../src/packet.ts'
import { encodeRequest } from '../src/request.ts'
import { checkResponse, type Response } from '../src/response.ts'
import { State } from '../src/rfc2865.ts'
import { joinEapMessage, splitEapMessage } from '../src/rfc3579.ts'
import { SharedSecret } from '../src/secret.ts'
import type { DiscardReason } from '../src/server/discards.ts'
import { createRadiusServer, type RadiusServerOptions } from '../src/server/server.ts'
import { accessRequest, attributes, secret, TestSource, until } from './helpers.ts'

const challenge: Response = { code: Code.AccessChallenge, attributes: [State.of(Buffer.from('state'))] }
const client = { name: 'ap1', secret }

interface Rig extends Partial<RadiusServerOptions> {
  now?: () => number
}

/** A server whose handler counts its calls and challenges. */
function rig(options: Rig = {}) {
  const lines: { reason?: string; suppressed?: number; text?: string | undefined }[] = []
  const log = (facts: object, text?: string) => void lines.push({ ...facts, text })
  const calls = { count: 0 }
  const server = createRadiusServer({
    clients: (address) => (address === '192.0.2.1' ? client : undefined),
    logger: { warn: log, error: log },
    ...options,
    handle(request, context) {
      calls.count++
      return options.handle ? options.handle(request, context) : challenge
    },
  })
  const source = new TestSource()
  return { server, source, calls, lines }
}

test('an Access-Request is handled and answered', () => {
  const { server, source, calls } = rig()
  const request = accessRequest()
  server.receive(request.octets, source)
  assert.equal(calls.count, 1)
  assert.equal(source.sent.length, 1)
  checkResponse(decodePacket(source.sent[0] as Buffer), request, secret)
  assert.equal(server.counters().answered, 1)
})

test('the handler learns who asks and what', () => {
  const { server, source } = rig({
    handle(request, context) {
      assert.equal(context.client.name, 'ap1')
      assert.equal(context.transport, 'udp')
      assert.equal(context.address, '192.0.2.1')
      assert.equal(joinEapMessage(request.attributes)?.length, 5)
      return challenge
    },
  })
  server.receive(accessRequest().octets, source)
  assert.equal(source.sent.length, 1)
})

function unauthenticated(code: number): Buffer {
  return encodePacket({ code, identifier: 1, authenticator: Buffer.alloc(16) }, attributes)
}

const requestOfAnotherSecret = encodeRequest(Code.AccessRequest, 1, attributes, SharedSecret.of('another')).octets
const tooLong = Buffer.alloc(4097, 1)
tooLong.writeUInt16BE(4097, 2)

const silent: { what: string; octets: Buffer; reason: DiscardReason; offence: boolean }[] = [
  { what: 'an empty datagram', octets: Buffer.alloc(0), reason: 'malformed', offence: true },
  { what: 'half a request', octets: accessRequest().octets.subarray(0, 40), reason: 'malformed', offence: true },
  { what: 'a packet of 4097 octets', octets: tooLong, reason: 'malformed', offence: true },
  ...[2, 3, 4, 5, 11, 13, 40, 0, 255].map((code) => ({
    what: `code ${code} as a request`,
    octets: unauthenticated(code),
    reason: 'not-a-request' as const,
    offence: true,
  })),
  {
    what: 'an Access-Request without Message-Authenticator',
    octets: unauthenticated(Code.AccessRequest),
    reason: 'missing-message-authenticator',
    offence: true,
  },
  {
    what: 'a Status-Server without Message-Authenticator',
    octets: unauthenticated(Code.StatusServer),
    reason: 'missing-message-authenticator',
    offence: true,
  },
  {
    what: 'a request of another secret',
    octets: requestOfAnotherSecret,
    reason: 'bad-message-authenticator',
    offence: true,
  },
]
for (const { what, octets, reason, offence } of silent) {
  test(`silence, no handling and a count for ${what} (${reason})`, () => {
    const { server, source, calls } = rig()
    server.receive(octets, source)
    assert.equal(calls.count, 0)
    assert.deepEqual(source.sent, [])
    assert.equal(server.counters().discarded[reason], 1)
    assert.equal(source.offences, offence ? 1 : 0)
  })
}

test('silence and a count for an address that is no client', () => {
  const { server, calls } = rig()
  const stranger = new TestSource('198.51.100.9')
  server.receive(accessRequest().octets, stranger)
  assert.deepEqual(stranger.sent, [])
  assert.equal(calls.count, 0)
  assert.equal(server.counters().discarded['unknown-client'], 1)
})

test('clients may be looked up asynchronously', async () => {
  const { server, source } = rig({ clients: async (address) => (address === '192.0.2.1' ? client : undefined) })
  const stranger = new TestSource('198.51.100.9')
  server.receive(accessRequest().octets, source)
  server.receive(accessRequest().octets, stranger)
  await until(() => source.sent.length === 1 && server.counters().discarded['unknown-client'] === 1, 'both are settled')
  assert.deepEqual(stranger.sent, [])
})

test('Status-Server is answered with Access-Accept, without the handler', () => {
  const { server, source, calls } = rig()
  const request = encodeRequest(Code.StatusServer, 3, [], secret)
  server.receive(request.octets, source)
  const answer = decodePacket(source.sent[0] as Buffer)
  assert.equal(answer.code, Code.AccessAccept)
  assert.notEqual(answer.messageAuthenticatorAt, undefined)
  checkResponse(answer, request, secret)
  assert.equal(calls.count, 0)
})

test('a request that is sent again gets the same octets, and is handled once', () => {
  const { server, source, calls } = rig({
    handle: () => ({ code: Code.AccessAccept, attributes: [], msk: Buffer.alloc(64) }),
  })
  const request = accessRequest()
  for (let i = 0; i < 3; i++) server.receive(request.octets, source)
  assert.equal(calls.count, 1)
  assert.equal(source.sent.length, 3)
  assert.deepEqual(source.sent[1], source.sent[0])
  assert.deepEqual(source.sent[2], source.sent[0])
})

test('a request that is sent again while it is handled is handled once and answered once', async () => {
  const { promise, resolve } = Promise.withResolvers<Response>()
  const { server, source, calls } = rig({ handle: () => promise })
  const request = accessRequest()
  for (let i = 0; i < 5; i++) server.receive(request.octets, source)
  assert.equal(server.counters().discarded['in-progress'], 4)
  resolve(challenge)
  await until(() => source.sent.length > 0, 'it is answered')
  server.receive(request.octets, source)
  assert.equal(calls.count, 1)
  assert.equal(source.sent.length, 2)
  assert.deepEqual(source.sent[1], source.sent[0])
})

test('another port, identifier or Request Authenticator is another request', () => {
  const { server, source, calls } = rig()
  const request = accessRequest(7)
  server.receive(request.octets, source)
  server.receive(request.octets, new TestSource('192.0.2.1', 1001))
  server.receive(accessRequest(8).octets, source)
  server.receive(accessRequest(7).octets, source)
  assert.equal(calls.count, 4)
})

test('an answer is kept for 30 s', () => {
  let now = 0
  const { server, source, calls } = rig({ now: () => now })
  const request = accessRequest()
  server.receive(request.octets, source)
  now = 29_999
  server.receive(request.octets, source)
  assert.equal(calls.count, 1)
  now = 30_000
  server.receive(request.octets, source)
  assert.equal(calls.count, 2)
})

test('no more answers are kept than the bound says: the oldest goes first', () => {
  const { server, source, calls } = rig({ maxDuplicates: 2 })
  const requests = [1, 2, 3].map((identifier) => accessRequest(identifier))
  for (const { octets } of requests) server.receive(octets, source)
  server.receive(requests[1]?.octets as Buffer, source)
  server.receive(requests[2]?.octets as Buffer, source)
  assert.equal(calls.count, 3)
  server.receive(requests[0]?.octets as Buffer, source)
  assert.equal(calls.count, 4)
})

for (const [how, handle] of Object.entries({
  'throws at once': () => {
    throw new Error('out of order')
  },
  rejects: () => Promise.reject(new Error('out of order')),
})) {
  test(`a handler that ${how} gives silence; sent again, the request is tried again`, async () => {
    const { server, source, calls, lines } = rig({ handle })
    const request = accessRequest()
    server.receive(request.octets, source)
    await until(() => server.counters().discarded.failed === 1, 'it failed')
    server.receive(request.octets, source)
    await until(() => server.counters().discarded.failed === 2, 'it failed again')
    assert.equal(calls.count, 2)
    assert.deepEqual(source.sent, [])
    assert.equal(source.offences, 0)
    assert.equal(lines[0]?.reason, 'failed')
  })
}

test('a handler that finds a malformed attribute makes it a malformed packet', () => {
  const [piece] = splitEapMessage(Buffer.alloc(5))
  const { server, source } = rig({
    handle(request) {
      joinEapMessage(request.attributes)
      return challenge
    },
  })
  const more = [State.of(Buffer.from('s')), ...(piece ? [piece] : [])]
  server.receive(accessRequest(1, more).octets, source)
  assert.equal(server.counters().discarded.malformed, 1)
  assert.deepEqual(source.sent, [])
})

test('an error of RADIUS that is not the packet`s is a failure', () => {
  const { server, source } = rig({
    handle() {
      throw new RadiusError('RADIUS_NO_ANSWER', 'of another server')
    },
  })
  server.receive(accessRequest().octets, source)
  assert.equal(server.counters().discarded.failed, 1)
})

test('a handler may want silence', () => {
  const { server, source } = rig({ handle: () => undefined })
  server.receive(accessRequest().octets, source)
  assert.deepEqual(source.sent, [])
  assert.equal(server.counters().discarded.declined, 1)
})

test('a handler that takes too long is given up, and its late answer is not sent', async () => {
  const { promise, resolve } = Promise.withResolvers<Response>()
  const { server, source } = rig({ handle: () => promise, handleTimeoutMs: 5 })
  server.receive(accessRequest().octets, source)
  await until(() => server.counters().discarded['timed-out'] === 1, 'it timed out')
  resolve(challenge)
  await promise
  await new Promise(setImmediate)
  assert.deepEqual(source.sent, [])
})

test('each request has its own time, and one that was given up makes room for another', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  const { server, source, calls } = rig({
    handle: (request) => (request.identifier === 2 ? Promise.resolve(challenge) : new Promise(() => {})),
    handleTimeoutMs: 1000,
    maxConcurrent: 2,
    now: () => now,
  })
  const pass = (ms: number) => {
    now += ms
    t.mock.timers.tick(ms)
  }
  const late = () => server.counters().discarded['timed-out']
  server.receive(accessRequest(0).octets, source)
  pass(600)
  server.receive(accessRequest(1).octets, source)
  pass(399)
  assert.equal(late(), 0)
  pass(1)
  assert.equal(late(), 1)
  server.receive(accessRequest(2).octets, source)
  await new Promise(setImmediate)
  assert.equal(source.sent.length, 1, 'there is room again')
  pass(599)
  assert.equal(late(), 1)
  pass(1)
  assert.equal(late(), 2)
  assert.equal(calls.count, 3)
})

test('closing waits for what is being handled, and not for what was given up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { promise, resolve } = Promise.withResolvers<Response>()
  let now = 0
  const handle = ({ identifier }: { identifier: number }) =>
    identifier === 0 ? new Promise<Response>(() => {}) : promise
  const { server, source } = rig({ handle, handleTimeoutMs: 1000, now: () => now })
  server.receive(accessRequest(0).octets, source)
  now = 500
  t.mock.timers.tick(500)
  server.receive(accessRequest(1).octets, source)
  now = 1000
  t.mock.timers.tick(500)
  let closed = false
  const closing = server.close({ graceMs: 60_000 }).then(() => {
    closed = true
  })
  await new Promise(setImmediate)
  assert.equal(closed, false)
  resolve(challenge)
  await closing
  assert.equal(source.sent.length, 1)
})

test('no more requests are handled at once than the bound says', async () => {
  const { promise, resolve } = Promise.withResolvers<Response>()
  const { server, source, calls } = rig({ handle: () => promise, maxConcurrent: 3 })
  for (let identifier = 0; identifier < 5; identifier++) server.receive(accessRequest(identifier).octets, source)
  assert.equal(calls.count, 3)
  assert.equal(server.counters().discarded.overloaded, 2)
  resolve(challenge)
  await until(() => source.sent.length === 3, 'those within the bound are answered')
  server.receive(accessRequest(9).octets, source)
  await until(() => source.sent.length === 4, 'there is room again')
})

test('at most one line a second and reason, with the number of those left out', () => {
  let now = 0
  const { server, lines } = rig({ now: () => now })
  const stranger = new TestSource('198.51.100.9')
  const refuse = (times: number) => {
    for (let i = 0; i < times; i++) server.receive(accessRequest().octets, stranger)
  }
  refuse(100)
  now = 999
  refuse(10)
  server.receive(Buffer.alloc(3), stranger)
  now = 1000
  refuse(10)
  assert.deepEqual(
    lines.map(({ reason, suppressed }) => ({ reason, suppressed })),
    [
      { reason: 'unknown-client', suppressed: 0 },
      { reason: 'malformed', suppressed: 0 },
      { reason: 'unknown-client', suppressed: 109 },
    ],
  )
  assert.equal(server.counters().discarded['unknown-client'], 120)
})
