import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  encode,
  ForwardedResponse,
  KeyAssignmentResponse,
  KeyConfirmationResponse,
  KeyRetirementResponse,
  Result,
  RevocationsResponse,
  SERVER_DEADLINE_MS,
} from '@opencpns/protocol'
import type { Upstream } from '../src/upstream/upstream.ts'
import { stopClock } from './support/clock.ts'
import { type LogLine, until } from './support/harness.ts'
import { issueChallenges, type ServerRequest, startServer } from './support/scripted-server.ts'
import { answering, connect, connected, forwarded, linked, secret, transientKey, vouch } from './support/upstream.ts'

const hasConnected = (lines: LogLine[]) => lines.some((line) => line['event'] === 'server-connected')

test('with a filled pool an authentication is one round trip', async (t) => {
  const server = await startServer(t, { secret, play: vouch })
  const { upstream } = await connected(t, server)
  await until(() => upstream.load().challenges > 0)
  const { pne, challenges, steps } = answering()
  const verdict = await upstream.authenticate(pne)
  const eap = Buffer.from('GPSK-3')
  const owner = { pneId: 'pne-7', user: 'bob' }
  const vouched = { result: Result.success, transientKey, lifetimeS: 60, eap, ...owner, serverRoundTrips: 1 }
  assert.deepEqual(plain(verdict), plain(vouched))
  assert.deepEqual(steps, [3, 6])
  const [request] = forwarded(server)
  assert.ok(request?.type === 'ForwardedRequest')
  assert.equal(Buffer.from(request.challenge).toString(), challenges[0])
  assert.deepEqual(Buffer.from(request.secondSeed), pne.secondSeed)
})

test('the first authentication, with the pool empty, is two round trips, and waits for the connection', async (t) => {
  const server = await startServer(t, { secret, play: vouch })
  t.mock.timers.enable({ apis: ['setTimeout'] }) // however long it takes
  const { upstream } = connect(t, server)
  const verdict = await upstream.authenticate(answering().pne)
  assert.deepEqual([verdict.result, verdict.serverRoundTrips], [Result.success, 2])
})

test('many authentications are in flight at once, each with a challenge of its own, answered in any order', async (t) => {
  const server = await startServer(t, { secret })
  const waiting: ServerRequest[] = []
  server.play = (request) => {
    if (request.type !== 'ForwardedRequest') return issueChallenges(request)
    waiting.push(request)
    return undefined
  }
  const { upstream } = await connected(t, server)
  const pnes = Array.from({ length: 300 }, answering)
  const verdicts = pnes.map(({ pne }) => upstream.authenticate(pne))
  await until(() => waiting.length === 300)
  for (const request of waiting.reverse()) {
    if (request.type !== 'ForwardedRequest') continue
    const answer = {
      result: Result.success,
      eap: Buffer.from('GPSK-3'),
      transientKey: request.secondSeed,
      lifetimeS: 1,
    }
    server.links[0]?.sendSoon(encode(ForwardedResponse, { id: request.id, ...answer }))
  }
  for (const [n, verdict] of (await Promise.all(verdicts)).entries()) {
    assert.ok(verdict.result === Result.success)
    assert.deepEqual(Buffer.from(verdict.transientKey), pnes[n]?.pne.secondSeed)
  }
  assert.equal(new Set(pnes.flatMap(({ challenges }) => challenges)).size, 300)
})

for (const [result, told, reason] of [
  [Result.authenticationFailed, Result.authenticationFailed, 'server-authentication-failed'],
  [Result.notPermitted, Result.authenticationFailed, 'server-not-permitted'],
  [Result.busy, Result.busy, 'server-busy'],
] as const) {
  test(`the server's refusal ${reason}`, async (t) => {
    const server = await startServer(t, { secret })
    server.play = (request) =>
      request.type === 'ForwardedRequest'
        ? encode(ForwardedResponse, { id: request.id, result })
        : issueChallenges(request)
    const { upstream } = await connected(t, server)
    await until(() => upstream.load().challenges > 0)
    const verdict = await upstream.authenticate(answering().pne)
    assert.deepEqual(verdict, { result: told, reason, serverRoundTrips: 1 })
  })
}

test('a refused challenge: the PNE is told busy, and no challenge of that pool is used again', async (t) => {
  const server = await startServer(t, { secret })
  let refuse = true
  server.play = (request) => {
    if (request.type !== 'ForwardedRequest' || !refuse) return vouch(request)
    return encode(ForwardedResponse, { id: request.id, result: Result.challengeRefused })
  }
  const { upstream } = await connected(t, server)
  const first = answering()
  assert.equal((await upstream.authenticate(first.pne)).result, Result.busy)
  refuse = false
  const second = answering()
  assert.equal((await upstream.authenticate(second.pne)).result, Result.success)
  const number = ({ challenges }: { challenges: string[] }) => Number(challenges[0]?.split(' ')[1])
  assert.ok(number(second) >= number(first) + 64)
})

test('success without a TK is no success', async (t) => {
  const server = await startServer(t, { secret })
  server.play = (request) =>
    request.type === 'ForwardedRequest'
      ? encode(ForwardedResponse, { id: request.id, result: Result.success })
      : issueChallenges(request)
  const { upstream } = await connected(t, server)
  const { result } = await upstream.authenticate(answering().pne)
  assert.equal(result, Result.serverUnreachable)
})

test('no server: refused at once', async (t) => {
  const server = await startServer(t, { secret })
  await server.close()
  t.mock.timers.enable({ apis: ['setTimeout'] }) // no deadline ever comes
  const { upstream } = connect(t, server)
  const verdict = await upstream.authenticate(answering().pne)
  assert.deepEqual([verdict.result, verdict.serverRoundTrips], [Result.serverUnreachable, 0])
})

test('a server that is silent: refused after 4 s, the connection stays', async (t) => {
  const server = await startServer(t, { secret })
  server.play = (request) => (request.type === 'ForwardedRequest' ? undefined : issueChallenges(request))
  const { upstream } = await connected(t, server)
  await until(() => upstream.load().challenges > 0)
  const pass = stopClock(t)
  const waiting = upstream.authenticate(answering().pne)
  await until(() => forwarded(server).length === 1)
  pass(SERVER_DEADLINE_MS - 1)
  const early = new Promise((resolve) => setTimeout(resolve, 500, 'it waits')) // some looks at what waits
  assert.equal(await Promise.race([waiting, early]), 'it waits')
  pass(1)
  const silent = { result: Result.serverUnreachable, reason: 'server-silent' }
  assert.deepEqual(await waiting, { ...silent, serverRoundTrips: 0 })
  assert.equal(upstream.connection()?.connected, true)
  server.play = vouch
  assert.equal((await upstream.authenticate(answering().pne)).result, Result.success)
})

test('a lost connection fails what is in flight, and is made anew', async (t) => {
  const server = await startServer(t, { secret })
  server.play = (request) => (request.type === 'ForwardedRequest' ? undefined : issueChallenges(request))
  const { upstream, lines } = await connected(t, server)
  const inFlight = upstream.authenticate(answering().pne)
  await until(() => forwarded(server).length === 1)
  await server.close()
  assert.equal((await inFlight).result, Result.serverUnreachable)

  const again = await startServer(t, { secret, play: vouch, port: server.address.port })
  await until(() => again.links.length === 1)
  await linked(upstream, 1)
  assert.equal((await upstream.authenticate(answering().pne)).result, Result.success)
  assert.ok(lines.some((line) => line['event'] === 'server-lost'))
})

test('a server with another secret, of another realm, or that speaks nonsense is not used', async (t) => {
  for (const options of [{ secret: randomBytes(32) }, { secret, realm: 'example.net' }]) {
    const server = await startServer(t, options)
    const { upstream, lines } = connect(t, server)
    await until(() => lines.length > 0)
    assert.equal(hasConnected(lines), false)
    assert.equal((await upstream.authenticate(answering().pne)).result, Result.serverUnreachable)
  }
  const server = await startServer(t, { secret, play: () => Buffer.from('nonsense') })
  const { upstream } = connect(t, server)
  assert.equal((await upstream.authenticate(answering().pne)).result, Result.serverUnreachable)
})

test('assignment and confirmation, granted and refused', async (t) => {
  const server = await startServer(t, { secret })
  const euKey = randomBytes(32)
  let owner = {}
  let result: Result = Result.success
  server.play = (request) => {
    if (request.type === 'KeyConfirmationRequest') return encode(KeyConfirmationResponse, { id: request.id, result })
    if (request.type !== 'KeyAssignmentRequest') return issueChallenges(request)
    const granted = result === Result.success ? { euKey, pneId: 'pne-1', ...owner } : {}
    return encode(KeyAssignmentResponse, { id: request.id, result, ...granted })
  }
  const { upstream } = await connected(t, server)
  const seed = randomBytes(32)
  assert.deepEqual(plain(await upstream.assignKey(seed, 'watch')), plain({ result, euKey, pneId: 'pne-1' }))
  owner = { user: 'alice', generation: 2 }
  assert.deepEqual(plain(await upstream.assignKey(seed)), plain({ result, euKey, pneId: 'pne-1', ...owner }))
  assert.deepEqual(await upstream.confirmKey(seed), { result })
  result = Result.notPermitted
  const refused = { result: Result.authenticationFailed, reason: 'server-not-permitted' }
  assert.deepEqual(await upstream.assignKey(seed), refused)
  assert.deepEqual(await upstream.confirmKey(seed), refused)
})

test('a further key of a PNE, its confirmation and the retirement of the old one, granted and refused', async (t) => {
  const server = await startServer(t, { secret })
  const [seed, old, euKey] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  let result: Result = Result.success
  server.play = (request) => {
    if (request.type === 'KeyRetirementRequest') return encode(KeyRetirementResponse, { id: request.id, result })
    if (request.type !== 'KeyAssignmentRequest') return issueChallenges(request)
    const granted = result === Result.success ? { euKey, pneId: 'pne-1', generation: 2 } : {}
    return encode(KeyAssignmentResponse, { id: request.id, result, ...granted })
  }
  const { upstream, told } = await connected(t, server)
  const key = { result, euKey, pneId: 'pne-1', generation: 2 }
  assert.deepEqual(plain(await upstream.renewKey(seed, old)), plain(key))
  const asked = server.requests.find((request) => request.type === 'KeyAssignmentRequest')
  const { secondSeed, replaces = Buffer.of(), name: named } = asked ?? { secondSeed: Buffer.of() }
  assert.deepEqual([Buffer.from(secondSeed), Buffer.from(replaces), named], [seed, old, undefined])
  assert.deepEqual(await upstream.retireKey(old), { result })
  assert.deepEqual(told, ['connected'])
  result = Result.notPermitted
  const refused = { result: Result.authenticationFailed, reason: 'server-not-permitted' }
  assert.deepEqual(await upstream.renewKey(seed, old), refused)
  assert.deepEqual(await upstream.retireKey(old), refused)
  await server.close()
  await until(() => upstream.connection()?.connected === false)
  assert.equal((await upstream.renewKey(seed, old)).result, Result.serverUnreachable)
  assert.equal((await upstream.retireKey(old)).result, Result.serverUnreachable)
})

/** A revocation log of so many lines, handed out in pages of two. */
function revocationLog(count: number) {
  const tags = Array.from({ length: count }, () => randomBytes(32))
  const play = (request: ServerRequest) => {
    if (request.type !== 'RevocationsRequest') return issueChallenges(request)
    const page = tags.slice(request.since, request.since + 2)
    const upTo = request.since + page.length
    return encode(RevocationsResponse, { id: request.id, result: 0, tags: page, upTo, more: upTo < count })
  }
  return { play, tags: tags.map((tag) => tag.toString('hex')) }
}

test('the revocation log is read when the connection is made, from the stored number, page by page', async (t) => {
  const { play, tags } = revocationLog(5)
  const server = await startServer(t, { secret, play, revocations: 5 })
  const { revoked } = connect(t, server, { revokedUpTo: 1 })
  await until(() => revoked.upTo === 5)
  assert.deepEqual(revoked.tags, tags.slice(1))
})

test('the revocation log is read at a notice', async (t) => {
  const { play, tags } = revocationLog(3)
  const server = await startServer(t, { secret, play })
  const { revoked } = connect(t, server)
  await until(() => server.links.length === 1)
  server.notify(3)
  await until(() => revoked.upTo === 3)
  assert.deepEqual(revoked.tags, tags)
})

test('a server whose log is shorter than what was acted on was restored: all of it is read again', async (t) => {
  const { play, tags } = revocationLog(2)
  const server = await startServer(t, { secret, play, revocations: 2 })
  const { revoked } = connect(t, server, { revokedUpTo: 9 })
  await until(() => revoked.upTo === 2)
  assert.deepEqual(revoked.tags, tags)
})

test('a closed upstream makes no more connections', async (t) => {
  const server = await startServer(t, { secret })
  const { upstream, lines }: { upstream: Upstream; lines: LogLine[] } = connect(t, server)
  await until(() => hasConnected(lines))
  upstream.close()
  await until(() => server.links[0]?.socket.destroyed === true)
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(server.links.length, 1)
})

/** Octets compared as octets, whatever class holds them. */
function plain(value: object): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one,
    ]),
  )
}
