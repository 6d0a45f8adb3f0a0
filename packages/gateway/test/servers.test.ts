// A gateway with several servers: which of them it keeps connections to, which one a request is brought to, and what becomes of a
// request when a server is late, gone or busy.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode, ForwardedResponse, Pong, Result, RevocationsResponse, SERVER_DEADLINE_MS } from '@opencpns/protocol'
import type { Upstream } from '../src/upstream/upstream.ts'
import { stopClock } from './support/clock.ts'
import { until } from './support/harness.ts'
import { issueChallenges, type ScriptedServer, type ServerRequest, startServer } from './support/scripted-server.ts'
import { answering, connect, connected, connections, forwarded, linked, secret, vouch } from './support/upstream.ts'

/** Plays for a ForwardedRequest; gives challenges otherwise. */
function forForwarded(play: (request: ServerRequest & { type: 'ForwardedRequest' }) => Uint8Array | undefined) {
  return (request: ServerRequest) => (request.type === 'ForwardedRequest' ? play(request) : issueChallenges(request))
}

const silence = forForwarded(() => undefined)
const busy = forForwarded(({ id }) => encode(ForwardedResponse, { id, result: Result.busy }))

/** Which servers were asked to authenticate somebody, as they stand in the list. */
const asked = (servers: readonly ScriptedServer[]) => servers.map((server) => forwarded(server).length)

async function startServers(t: Parameters<typeof startServer>[0], count: number, play = vouch) {
  const servers: ScriptedServer[] = []
  for (let at = 0; at < count; at++) servers.push(await startServer(t, { secret, play }))
  return servers
}

/** Authenticates somebody; how that ended. */
const authenticate = async (upstream: Upstream) => (await upstream.authenticate(answering().pne)).result

test('requests in flight are shared: each goes to the server that has the fewest', async (t) => {
  const servers = await startServers(t, 3)
  const { upstream } = await connected(t, servers)
  await authenticate(upstream)
  stopClock(t) // no request is ever late
  for (const server of servers) {
    server.requests.length = 0
    server.play = silence
  }
  const verdicts = Array.from({ length: 9 }, () => upstream.authenticate(answering().pne))
  await until(() => asked(servers).reduce((sum, count) => sum + count) === 9)
  assert.deepEqual(asked(servers), [3, 3, 3])
  for (const server of servers) answerAll(server)
  for (const { result } of await Promise.all(verdicts)) assert.equal(result, Result.success)
})

function answerAll(server: ScriptedServer): void {
  for (const request of forwarded(server)) {
    server.links[0]?.sendSoon(vouch(request) ?? assert.fail())
  }
}

test('a request to a server that is silent is answered by another within a third of the deadline; the silent one is left alone, and its connection made anew', async (t) => {
  const servers = await startServers(t, 2)
  const { upstream, lines } = await connected(t, servers)
  await until(() => upstream.load().challenges > 1)
  const pass = stopClock(t)
  const [silent = assert.fail(), other = assert.fail()] = servers
  silent.play = () => undefined
  other.play = silence
  const first = authenticate(upstream) // the one with the fewest gets it, whichever that is
  const second = authenticate(upstream) // and the other this one
  await until(() => asked(servers).every((count) => count === 1))
  other.play = vouch
  answerAll(other)
  assert.equal(await Promise.race([first, second]), Result.success)
  pass(SERVER_DEADLINE_MS / 3 - 1)
  await someSweeps()
  assert.deepEqual(asked(servers), [1, 1])
  pass(1)
  assert.deepEqual(await Promise.all([first, second]), [Result.success, Result.success])
  assert.deepEqual(asked(servers), [1, 2])

  for (let i = 0; i < 5; i++) assert.equal(await authenticate(upstream), Result.success)
  assert.deepEqual(asked(servers), [1, 7])
  silent.play = vouch
  pass(SERVER_DEADLINE_MS)
  await until(() => silent.links.length === 2)
  const lost = lines.find((line) => line['event'] === 'server-lost')
  assert.match(String(lost?.['reason']), /does not react/)
  assert.equal(lost?.['server'], `127.0.0.1:${silent.address.port}`)
})

/** A link looks at its requests every 200 ms. On a slow machine it may not have: then a fault goes unnoticed, and nothing fails. */
const someSweeps = () => new Promise((resolve) => setTimeout(resolve, 500))

test('a server that is late with one answer but reacts keeps its connection', async (t) => {
  const servers = await startServers(t, 2)
  const { upstream } = await connected(t, servers)
  for (const server of servers) {
    server.play = (request) => (request.type === 'Ping' ? encode(Pong, {}) : silence(request))
  }
  const verdict = await upstream.authenticate(answering().pne)
  assert.deepEqual([verdict.result, 'reason' in verdict && verdict.reason], [Result.serverUnreachable, 'server-silent'])
  assert.deepEqual(asked(servers), [1, 1], 'both were asked')
  await new Promise((resolve) => setTimeout(resolve, 1600))
  assert.deepEqual(
    servers.map(({ links }) => links.length),
    [1, 1],
  )
})

test('a request whose connection breaks is brought to another server at once', async (t) => {
  const servers = await startServers(t, 2, silence)
  const { upstream } = await connected(t, servers)
  stopClock(t) // no request is ever late
  const verdict = authenticate(upstream)
  await until(() => asked(servers).includes(1))
  const [broken, other] = asked(servers)[0] === 1 ? servers : servers.toReversed()
  assert.ok(broken && other)
  other.play = vouch
  await broken.close()
  assert.equal(await verdict, Result.success)
})

test('the only server breaks the connection and is back at once: what was in flight is brought to it again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const server = await startServer(t, { secret, play: silence })
  const { upstream } = await connected(t, server)
  stopClock(t) // no request is ever late
  const verdicts = Array.from({ length: 20 }, () => authenticate(upstream))
  await until(() => forwarded(server).length === 20)
  await server.close()
  await linked(upstream, 0)
  await startServer(t, { secret, play: vouch, port: server.address.port })
  t.mock.timers.tick(500) // the first attempt comes before that, the requests wait for twice as long
  assert.deepEqual(new Set(await Promise.all(verdicts)), new Set([Result.success]))
})

test('of a thousand requests in flight none fails when one of two servers dies', async (t) => {
  const servers = await startServers(t, 2, silence)
  const { upstream } = await connected(t, servers)
  stopClock(t) // no request is ever late
  const verdicts = Array.from({ length: 1000 }, () => authenticate(upstream))
  await until(() => asked(servers).reduce((sum, count) => sum + count) === 1000)
  const [dying = assert.fail(), other = assert.fail()] = servers
  other.play = vouch
  answerAll(other)
  await dying.close()
  assert.deepEqual(new Set(await Promise.all(verdicts)), new Set([Result.success]))
})

test('a server whose clock is wrong refuses the challenge of another: the other one is asked; when all refuse it, the PNE hears busy', async (t) => {
  const refuse = forForwarded(({ id }) => encode(ForwardedResponse, { id, result: Result.challengeRefused }))
  const servers = await startServers(t, 2, refuse)
  const { upstream } = await connected(t, servers)
  assert.equal(await authenticate(upstream), Result.busy)
  assert.deepEqual(asked(servers), [1, 1])
  const [first = assert.fail()] = servers
  first.play = vouch
  for (let i = 0; i < 4; i++) assert.equal(await authenticate(upstream), Result.success)
})

test('a server that is busy: another one is asked; when all are, the PNE hears busy', async (t) => {
  const servers = await startServers(t, 2, busy)
  const { upstream } = await connected(t, servers)
  assert.equal(await authenticate(upstream), Result.busy)
  assert.deepEqual(asked(servers), [1, 1])
  const [first = assert.fail()] = servers
  first.play = vouch
  for (let i = 0; i < 4; i++) assert.equal(await authenticate(upstream), Result.success)
})

test('a refusal is an answer: no other server is asked for a better one', async (t) => {
  const refuse = forForwarded(({ id }) => encode(ForwardedResponse, { id, result: Result.authenticationFailed }))
  const servers = await startServers(t, 3, refuse)
  const { upstream } = await connected(t, servers)
  assert.equal(await authenticate(upstream), Result.authenticationFailed)
  assert.equal(
    asked(servers).reduce((sum, count) => sum + count),
    1,
  )
})

test('who loses the last link tries the others at once, however long they were away', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] }) // the time until the next attempt never comes
  const [only = assert.fail(), other = assert.fail()] = await startServers(t, 2)
  const { upstream } = await connected(t, [only, other])
  await other.close()
  await linked(upstream, 1)
  const back = await startServer(t, { secret, play: vouch, port: other.address.port })
  await only.close()
  await until(() => connections(upstream).some(({ address }) => address.endsWith(`:${back.address.port}`)))
  assert.equal(await authenticate(upstream), Result.success)
})

test('no server is there: a request fails at once, and does not wait for its deadline', async (t) => {
  const servers = await startServers(t, 2)
  for (const server of servers) await server.close()
  t.mock.timers.enable({ apis: ['setTimeout'] }) // no deadline ever comes
  const { upstream } = connect(t, servers)
  await until(() => upstream.connection()?.servers.length === 2)
  assert.equal(await authenticate(upstream), Result.serverUnreachable)
  assert.equal(upstream.connection()?.connected, false)
})

test('of five servers three are kept; for one that dies a fourth is, until it is back', async (t) => {
  const servers = await startServers(t, 5)
  const { upstream } = connect(t, servers)
  await linked(upstream, 3)
  const first = connections(upstream).map(({ address }) => address)
  const dying = servers.find(({ address }) => first.includes(`127.0.0.1:${address.port}`)) ?? assert.fail()
  await dying.close()
  await until(() => connections(upstream).some(({ address }) => !first.includes(address)))
  await linked(upstream, 3)

  await startServer(t, { secret, play: vouch, port: dying.address.port })
  await until(() => first.every((address) => connections(upstream).some((one) => one.address === address)))
  await linked(upstream, 3)
  assert.deepEqual(
    connections(upstream)
      .map(({ address }) => address)
      .sort(),
    first.sort(),
  )
})

test('a name with several addresses is several servers, and one with an address of each family is one', async (t) => {
  const server = await startServer(t, { secret, play: vouch, host: '0.0.0.0' })
  const named = { address: { host: 'cpns.example.org', port: server.address.port } }
  const several = async () => ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: 4 }))
  const { upstream } = connect(t, named, { lookup: several })
  await linked(upstream, 3)
  assert.deepEqual(
    connections(upstream)
      .map(({ address }) => address)
      .sort(),
    [1, 2, 3].map((n) => `127.0.0.${n}:${server.address.port}`),
  )

  const both = async () => [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]
  const local = { address: { host: 'localhost', port: server.address.port } }
  const { upstream: dual } = connect(t, local, { lookup: both })
  await linked(dual, 1)
  assert.deepEqual(
    connections(dual).map(({ address }) => address),
    [`localhost:${server.address.port}`],
  )
})

test('a name that cannot be looked up is tried again and again, and the log says what is wrong', async (t) => {
  const named = { address: { host: 'no-such-server.invalid', port: 7410 } }
  const { upstream, lines } = connect(t, named, { lookup: () => Promise.reject(new Error('ENOTFOUND')) })
  await until(() => lines.length > 0)
  assert.match(String(lines[0]?.['reason']), /cannot reach no-such-server\.invalid:7410/)
  assert.equal(await authenticate(upstream), Result.serverUnreachable)
})

test('a server that comes back is not given all at once: slow start', async (t) => {
  const servers = await startServers(t, 2, silence)
  const { upstream } = await connected(t, servers)
  const [steady = assert.fail(), back = assert.fail()] = servers
  steady.play = vouch
  back.play = vouch
  for (let i = 0; i < 200; i++) await Promise.all([authenticate(upstream), authenticate(upstream)])
  await back.close()
  await linked(upstream, 1)
  const again = await startServer(t, { secret, play: silence, port: back.address.port })
  await linked(upstream, 2)
  steady.play = silence
  stopClock(t) // no request is ever late
  const before = forwarded(steady).length
  const verdicts = Array.from({ length: 100 }, () => authenticate(upstream))
  await until(() => forwarded(steady).length - before + forwarded(again).length === 100)
  const given = forwarded(again).length
  assert.ok(given >= 8 && given < 25, `${given} of 100, and not half of them`)
  steady.play = vouch
  again.play = vouch
  answerAll(again)
  for (const request of forwarded(steady).slice(before)) steady.links[0]?.sendSoon(vouch(request) ?? assert.fail())
  await Promise.all(verdicts)
})

test('revocations are acted on once, whichever server tells of them; a connection that was being made meanwhile starts nothing anew', async (t) => {
  const tags = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const play = (request: ServerRequest) => {
    if (request.type !== 'RevocationsRequest') return vouch(request)
    const page = tags.slice(request.since)
    return encode(RevocationsResponse, { id: request.id, result: 0, tags: page, upTo: tags.length, more: false })
  }
  const servers = await startServers(t, 2, play)
  const { upstream, revoked } = await connected(t, servers)
  for (const server of servers) server.notify(2)
  await until(() => revoked.upTo === 2)
  for (const server of servers) server.notify(2)
  await authenticate(upstream)
  assert.deepEqual(
    revoked.tags,
    tags.map((tag) => tag.toString('hex')),
  )
})
