// Rotation at the gateway, with a PNE and a server that the test plays: when it begins, what is offered, and what a device or a
// server that does otherwise can and cannot bring about.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  AuthenticationResponse,
  Challenge,
  ChallengeAnswer,
  deriveLocalKey,
  EndReason,
  Ping,
  Pong,
  Result,
  RotationConfirmation,
  RotationDone,
  RotationOffer,
  RotationRequest,
  revocationTag,
  SessionEnd,
  SessionOffer,
} from '@opencpns/protocol'
import { startGateway, until } from './support/harness.ts'
import type { ScriptedPne } from './support/scripted-pne.ts'

const DAY_MS = 24 * 3_600_000
const away = { result: Result.serverUnreachable, reason: 'server-unreachable' } as const

/** A server that renews, confirms and retires keys, and what it was asked, in order; `is` bends it. */
function renewing() {
  const asked: string[] = []
  const keys = new Map<string, Uint8Array>()
  const is = { away: false, refusing: false, generation: 1 }
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
  const answer = <T>(what: string, seed: Uint8Array, granted: () => T) => {
    asked.push(`${what} ${hex(seed).slice(0, 8)}`)
    if (is.away) return away
    if (is.refusing) return { result: Result.authenticationFailed, reason: 'server-not-permitted' } as const
    return { result: Result.success, ...granted() }
  }
  const upstream = {
    renewKey: async (secondSeed: Uint8Array) =>
      answer('renew', secondSeed, () => {
        const euKey = keys.get(hex(secondSeed)) ?? randomBytes(32)
        keys.set(hex(secondSeed), euKey)
        return { euKey, pneId: 'pne-1', user: 'alice', generation: is.generation }
      }),
    confirmKey: async (secondSeed: Uint8Array) => answer('confirm', secondSeed, () => ({})),
    retireKey: async (secondSeed: Uint8Array) => answer('retire', secondSeed, () => ({})),
  }
  const short = (what: string, seed: Uint8Array) => `${what} ${hex(seed).slice(0, 8)}`
  return { upstream, asked, is, short }
}

type Running = Awaited<ReturnType<typeof startGateway>>

async function start(t: TestContext, { rotateAfterMs = DAY_MS } = {}) {
  const server = renewing()
  const gateway = await startGateway(t, { upstream: server.upstream, rotateAfterMs })
  return { gateway, server, paired: gateway.paired() }
}

async function present(gateway: Running, key: { secondSeed: Uint8Array; euKey: Uint8Array }): Promise<ScriptedPne> {
  const pne = await gateway.pne()
  assert.equal((await pne.authenticateLocally(key.euKey, { secondSeed: key.secondSeed })).result, Result.success)
  return pne
}

/** Asks, takes the offer, confirms. */
async function rotate(pne: ScriptedPne): Promise<{ secondSeed: Uint8Array; euKey: Uint8Array }> {
  await pne.send(RotationRequest, {})
  const { secondSeed, euKey } = await pne.receive(RotationOffer)
  await pne.send(RotationConfirmation, { secondSeed })
  assert.deepEqual((await pne.receive(RotationDone)).secondSeed, secondSeed)
  return { secondSeed: Uint8Array.from(secondSeed), euKey: Uint8Array.from(euKey) }
}

/** Whether the next thing that the PNE hears is the answer to its Ping. */
async function hearsNothing(pne: ScriptedPne): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30))
  await pne.send(Ping, {})
  assert.equal((await pne.receive(Pong, RotationOffer, RotationDone)).type, 'Pong')
}

test('a PNE that asks gets a new key; the old one works until the new one was used, and the server is told', async (t) => {
  const { gateway, server, paired } = await start(t)
  const pne = await present(gateway, paired)
  const next = await rotate(pne)
  assert.notDeepEqual(next.secondSeed, paired.secondSeed)
  await present(gateway, paired)
  assert.deepEqual(gateway.folder.rotations.retired(), [])
  await present(gateway, next)
  await until(() => gateway.folder.rotations.retired().length === 0 && server.asked.length === 3)
  const { short } = server
  assert.deepEqual(server.asked, [
    short('renew', next.secondSeed),
    short('confirm', next.secondSeed),
    short('retire', paired.secondSeed),
  ])
  assert.equal(gateway.keys.find(paired.secondSeed), undefined)
  assert.deepEqual(Buffer.from(gateway.keys.find(next.secondSeed)?.localKey ?? []), deriveLocalKey(next.euKey))
})

test('a session for a service uses the new key as well', async (t) => {
  const { gateway, paired } = await start(t)
  const next = await rotate(await present(gateway, paired))
  const pne = await gateway.pne()
  const response = await pne.authenticateLocally(next.euKey, { secondSeed: next.secondSeed, service: 'none' })
  assert.equal(response.result, Result.serviceUnavailable)
  assert.equal(gateway.keys.find(paired.secondSeed), undefined, 'the key was proved, whatever came of the service')
})

test('the gateway begins by itself when the key is too old', async (t) => {
  for (const [rotateAfterMs, begins] of [
    [-1, true],
    [DAY_MS, false],
  ] as const) {
    const { gateway, paired } = await start(t, { rotateAfterMs })
    const pne = await present(gateway, paired)
    if (begins) await pne.receive(RotationOffer)
    else await hearsNothing(pne)
  }
})

test('the gateway begins by itself when the server has a newer generation, also in the middle of a session', async (t) => {
  const { gateway, server, paired } = await start(t)
  const pne = await present(gateway, paired)
  gateway.folder.policy.note({ generation: 1, visitors: true })
  gateway.rotations.look()
  await hearsNothing(pne)
  server.is.generation = 2
  gateway.folder.policy.note({ generation: 2, visitors: true })
  gateway.rotations.look()
  const { secondSeed, euKey } = await pne.receive(RotationOffer)
  await pne.send(RotationConfirmation, { secondSeed })
  await pne.receive(RotationDone)
  gateway.rotations.look()
  await hearsNothing(pne)
  const again = await present(gateway, { secondSeed, euKey })
  await hearsNothing(again)
})

test('a PNE that uses the old key again is offered the very same new key, active or not, and without the server when it is', async (t) => {
  const { gateway, server, paired } = await start(t)
  const first = await present(gateway, paired)
  await first.send(RotationRequest, {})
  const offer = await first.receive(RotationOffer)
  first.close()

  const second = await present(gateway, paired)
  assert.deepEqual(await second.receive(RotationOffer), offer)
  await second.send(RotationConfirmation, { secondSeed: offer.secondSeed })
  await until(() => gateway.keys.find(offer.secondSeed) !== undefined)
  second.close()

  server.is.away = true
  const third = await present(gateway, paired)
  assert.deepEqual(await third.receive(RotationOffer), offer)
  await third.send(RotationConfirmation, { secondSeed: offer.secondSeed })
  await third.receive(RotationDone)
  assert.ok(gateway.keys.find(paired.secondSeed), 'the old key still works')
})

test('without the server no rotation begins, and what began goes on when it is back', async (t) => {
  const { gateway, server, paired } = await start(t, { rotateAfterMs: -1 })
  server.is.away = true
  const pne = await present(gateway, paired)
  await hearsNothing(pne)
  server.is.away = false
  gateway.rotations.connected()
  const { secondSeed } = await pne.receive(RotationOffer)
  server.is.away = true
  await pne.send(RotationConfirmation, { secondSeed })
  await hearsNothing(pne)
  assert.equal(gateway.keys.find(secondSeed), undefined, 'pending')
  server.is.away = false
  gateway.rotations.connected()
  assert.deepEqual((await pne.receive(RotationOffer)).secondSeed, secondSeed)
  await pne.send(RotationConfirmation, { secondSeed })
  await pne.receive(RotationDone)
})

test('the old key is retired without the server, which is told when it is back', async (t) => {
  const { gateway, server, paired } = await start(t)
  const next = await rotate(await present(gateway, paired))
  server.is.away = true
  await present(gateway, next)
  await until(() => gateway.keys.find(paired.secondSeed) === undefined)
  await gateway.rotations.report()
  const retired = () => gateway.folder.rotations.retired().map((seed) => Buffer.from(seed).toString('hex'))
  assert.deepEqual(retired(), [Buffer.from(paired.secondSeed).toString('hex')])
  server.is.away = false
  gateway.rotations.connected()
  await until(() => retired().length === 0)
  assert.equal(server.asked.at(-1), server.short('retire', paired.secondSeed))
})

test('a server that will not retire a key is not asked for ever', async (t) => {
  const { gateway, server, paired } = await start(t)
  const next = await rotate(await present(gateway, paired))
  server.is.refusing = true
  await present(gateway, next)
  await until(() => gateway.lines.some((line) => line['result'] === 'not-retired'))
  assert.deepEqual(gateway.folder.rotations.retired(), [])
})

test('a server that refuses a rotation is not asked again in this session, unless the PNE asks', async (t) => {
  const { gateway, server, paired } = await start(t, { rotateAfterMs: -1 })
  server.is.refusing = true
  const pne = await present(gateway, paired)
  await until(() => server.asked.length === 1)
  for (let i = 0; i < 3; i++) gateway.rotations.look()
  await hearsNothing(pne)
  assert.equal(server.asked.length, 1)
  await pne.send(RotationRequest, {})
  await until(() => server.asked.length === 2)
})

test('a confirmation of another key, or of none that was offered, changes nothing', async (t) => {
  const { gateway, server, paired } = await start(t)
  const pne = await present(gateway, paired)
  await pne.send(RotationConfirmation, { secondSeed: randomBytes(32) })
  await hearsNothing(pne)
  await pne.send(RotationRequest, {})
  const { secondSeed } = await pne.receive(RotationOffer)
  for (const wrong of [randomBytes(32), paired.secondSeed]) {
    await pne.send(RotationConfirmation, { secondSeed: wrong })
    await hearsNothing(pne)
  }
  assert.equal(server.asked.length, 1)
  assert.equal(gateway.keys.find(secondSeed), undefined)
})

test('a pending key does not authenticate in the local case', async (t) => {
  const { gateway, paired } = await start(t)
  const pne = await present(gateway, paired)
  await pne.send(RotationRequest, {})
  const { secondSeed } = await pne.receive(RotationOffer)
  const other = await gateway.pne()
  await other.request({ secondSeed })
  const answer = await other.receive(SessionOffer, Challenge, AuthenticationResponse)
  assert.deepEqual(
    [answer.type, 'result' in answer && answer.result],
    ['AuthenticationResponse', Result.serverUnreachable],
  )
})

test('a pending key that the server has vouched for is active from then on', async (t) => {
  const server = renewing()
  const transientKey = randomBytes(32)
  const gateway = await startGateway(t, {
    rotateAfterMs: DAY_MS,
    upstream: {
      ...server.upstream,
      authenticate: async (exchange) => {
        await exchange.challenge(Buffer.from('GPSK-1'))
        const eap = Buffer.from('GPSK-3')
        return { result: Result.success, transientKey, lifetimeS: 600, eap, pneId: 'pne-1', serverRoundTrips: 1 }
      },
    },
  })
  const paired = gateway.paired()
  const pne = await present(gateway, paired)
  await pne.send(RotationRequest, {})
  const offer = await pne.receive(RotationOffer)
  const next = { secondSeed: Uint8Array.from(offer.secondSeed), euKey: Uint8Array.from(offer.euKey) }

  const wrong = await gateway.pne()
  await wrong.request({ secondSeed: next.secondSeed })
  await wrong.receive(Challenge)
  await wrong.send(ChallengeAnswer, { eap: Buffer.from('GPSK-2') })
  await assert.rejects(wrong.secure(await wrong.receive(SessionOffer), { transientKey: randomBytes(32) }))
  assert.equal(gateway.keys.find(next.secondSeed), undefined, 'nobody has proved it')

  await (await gateway.pne()).authenticateRemotely(transientKey, { secondSeed: next.secondSeed })
  assert.ok(gateway.keys.find(next.secondSeed))
  assert.ok(gateway.keys.find(paired.secondSeed))
  await (await gateway.pne()).authenticateRemotely(transientKey, { secondSeed: randomBytes(32) })
  await present(gateway, next)
  assert.equal(gateway.keys.find(paired.secondSeed), undefined)
})

test('in the remote case a word of rotation ends the session', async (t) => {
  const transientKey = randomBytes(32)
  const gateway = await startGateway(t, {
    upstream: {
      authenticate: async (exchange) => {
        await exchange.challenge(Buffer.from('GPSK-1'))
        return { result: Result.success, transientKey, lifetimeS: 600, eap: Buffer.from('GPSK-3'), serverRoundTrips: 1 }
      },
    },
  })
  const pne = await gateway.pne()
  await pne.authenticateRemotely(transientKey, { secondSeed: randomBytes(32) })
  await pne.send(RotationRequest, {})
  await assert.rejects(pne.receive(RotationOffer), { code: 'LINK_CLOSED' })
})

test('a revocation in the middle of a rotation ends it, for both keys', async (t) => {
  const { gateway, server, paired } = await start(t)
  const pne = await present(gateway, paired)
  await pne.send(RotationRequest, {})
  const { secondSeed } = await pne.receive(RotationOffer)
  gateway.records.revocationLog.revoke([revocationTag(paired.secondSeed), revocationTag(secondSeed)], 1)
  assert.deepEqual((await pne.receive(SessionEnd)).reason, EndReason.revoked)
  assert.equal(gateway.folder.rotations.find(paired.secondSeed), undefined)
  assert.equal(gateway.folder.rotations.euKeyOf(secondSeed), undefined)
  assert.equal(server.asked.length, 1)
})

test('a crowd of due keys is rotated a few at a time', async (t) => {
  let atOnce = 0
  let most = 0
  const server = renewing()
  const { promise: enough, resolve: goOn } = Promise.withResolvers<void>()
  const renewKey = async (secondSeed: Uint8Array) => {
    most = Math.max(most, ++atOnce)
    await enough
    atOnce--
    return server.upstream.renewKey(secondSeed)
  }
  const gateway = await startGateway(t, { upstream: { ...server.upstream, renewKey }, rotateAfterMs: -1 })
  const pnes = await Promise.all(Array.from({ length: 30 }, () => present(gateway, gateway.paired())))
  await until(() => atOnce >= 8)
  goOn()
  await Promise.all(pnes.map((pne) => pne.receive(RotationOffer)))
  assert.equal(most, 8, 'at once')
})
