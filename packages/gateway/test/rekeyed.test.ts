// A challenge is good at the servers that share the key of whoever issued it. A gateway that was without a server keeps none, for the
// key may have been changed meanwhile; one that goes from replica to replica keeps them all.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CHALLENGES_MAX, ChallengeResponse, encode, ForwardedResponse, Result } from '@opencpns/protocol'
import { until } from './support/harness.ts'
import { type ServerRequest, startServer } from './support/scripted-server.ts'
import { answering, connected, forwarded, linked, secret, vouch } from './support/upstream.ts'

/** A server that issues challenges under this key and refuses all others. */
function under(key: string) {
  let issued = 0
  return (request: ServerRequest) => {
    if (request.type === 'ChallengeRequest') {
      const { id, count } = request
      const challenges = Array.from({ length: count }, () => Buffer.from(`${key} ${issued++}`))
      return encode(ChallengeResponse, { id, result: Result.success, challenges, lifetimeS: 300 })
    }
    const isForged = request.type === 'ForwardedRequest' && !`${Buffer.from(request.challenge)}`.startsWith(key)
    if (!isForged) return vouch(request)
    return encode(ForwardedResponse, { id: request.id, result: Result.challengeRefused })
  }
}

const rekeyed = (t: TestContext, key: string, port?: number) =>
  startServer(t, { secret, play: under(key), ...(port !== undefined && { port }) })

test('a server that comes back with another key is shown no challenge from before', async (t) => {
  const before = await rekeyed(t, 'old')
  const { upstream } = await connected(t, before)
  await until(() => upstream.load().challenges === CHALLENGES_MAX)
  await before.close()
  await linked(upstream, 0)
  assert.equal(upstream.load().challenges, 0)
  const early = answering()
  const tooEarly = upstream.authenticate(early.pne)

  const after = await rekeyed(t, 'new', before.address.port)
  await linked(upstream, 1)
  const { pne } = answering()
  assert.equal((await upstream.authenticate(pne)).result, Result.success)
  assert.notEqual((await tooEarly).result, Result.busy)
  assert.ok(early.challenges.every((challenge) => challenge.startsWith('new')))
  assert.ok(forwarded(after).every((one) => 'challenge' in one && `${Buffer.from(one.challenge)}`.startsWith('new')))
  await until(() => upstream.load().challenges > CHALLENGES_MAX / 2)
  assert.equal((await upstream.authenticate(answering().pne)).serverRoundTrips, 1)
})

test('while one replica is left, the challenges of all stay good: still one round trip', async (t) => {
  const [one, other] = [await rekeyed(t, 'same'), await rekeyed(t, 'same')]
  const { upstream } = await connected(t, [one, other])
  await until(() => upstream.load().challenges === CHALLENGES_MAX)
  await one.close()
  await linked(upstream, 1)
  assert.equal(upstream.load().challenges, CHALLENGES_MAX)
  await rekeyed(t, 'same', one.address.port)
  await linked(upstream, 2)
  assert.equal(upstream.load().challenges, CHALLENGES_MAX)
  const { result, serverRoundTrips } = await upstream.authenticate(answering().pne)
  assert.deepEqual([result, serverRoundTrips], [Result.success, 1])
})
