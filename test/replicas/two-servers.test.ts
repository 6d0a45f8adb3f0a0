// Two servers on one store and a gateway that knows both: what one does holds at the other, and when one goes nobody notices.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openServerLink } from '@opencpns/gateway'
import type { Address } from '@opencpns/io'
import { connect } from '@opencpns/pne'
import { encode, KeyAssignmentRequest, KeyAssignmentResponse, Result } from '@opencpns/protocol'
import { Hub } from '@opencpns/server'
import { operate } from '../end-to-end/operator.ts'
import { REALM, Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { load, outcomeAt } from './outcome.ts'

/** A stage whose server has a replica; they hear of each other by messages, or without a bus by reading on alone. */
async function open(t: { after(act: () => unknown): void }, { hub = undefined as Hub | undefined } = {}) {
  const stage = await Stage.open({ ...(hub && { bus: hub.join() }), transientKeyLifetimeS: 0 })
  const replica = await stage.replica(hub?.join())
  t.after(async () => {
    await stage.close()
    await replica.close({ graceMs: 100 })
  })
  return { stage, replica, first: stage.server.addresses.cpns, second: replica.cpns }
}

for (const [how, hub] of [
  ['by a message', new Hub()],
  ['without one', undefined],
] as const) {
  test(`a revocation at one server reaches gateways at the other, ${how}`, async (t) => {
    const { stage, first, second } = await open(t, { hub })
    const home = await stage.gateway('home-gw', { servers: [first] })
    const hotel = await stage.gateway('hotel-gw', { servers: [second] })
    const watch = await stage.pair('watch', 'home-gw')
    const sessions = [
      await connect({ ...home.address, credential: watch }),
      await connect({ ...hotel.address, credential: watch }),
    ]
    const closed = Promise.all(sessions.map((session) => session.closed))
    const since = performance.now()
    await stage.revoke(watch)
    assert.deepEqual(await closed, ['revoked', 'revoked'])
    const ms = performance.now() - since
    assert.ok(ms < 20_000, `${ms} ms`) // a second on a machine that has nothing else to do
    assert.equal(await outcomeAt(hotel, watch, stage.lines), 'AUTHENTICATION_FAILED')
  })

  test(`a policy and the end of a gateway, ordered at one server, hold at the other, ${how}`, async (t) => {
    const { stage, first, second } = await open(t, { hub })
    await stage.gateway('home-gw', { servers: [first] })
    const hotel = await stage.gateway('hotel-gw', { servers: [second] })
    const watch = await stage.pair('watch', 'home-gw')
    assert.equal(await outcomeAt(hotel, watch, stage.lines), 'success')
    await operate(stage, 'PATCH', '/v1/gateways/hotel-gw', { visitors: false })
    await until(
      async () => (await outcomeAt(hotel, watch, stage.lines)) === 'AUTHENTICATION_FAILED',
      'visitors are let in',
    )
    await operate(stage, 'PATCH', '/v1/gateways/hotel-gw', { visitors: true })
    await until(async () => (await outcomeAt(hotel, watch, stage.lines)) === 'success', 'no visitors')
    await stage.admin('/v1/gateways/hotel-gw/revoke', {})
    await until(async () => (await outcomeAt(hotel, watch, stage.lines)) === 'SERVER_UNREACHABLE', 'the link stands')
  })
}

test('a challenge of one server is good at the other, and a TK of either is the same', async (t) => {
  const { stage, replica, first, second } = await open(t)
  await stage.gateway('home-gw', { servers: [first] })
  const watch = await stage.pair('watch', 'home-gw')
  // All challenges come from the first server, for the second is not there yet for this gateway.
  const hotel = await stage.gateway('hotel-gw', { servers: [first, second] })
  assert.equal(await outcomeAt(hotel, watch, stage.lines), 'success')
  await stage.stopServer()
  for (let i = 0; i < 20; i++) assert.equal(await outcomeAt(hotel, watch, stage.lines), 'success')
  assert.ok(replica.cpns)
})

test('a server that is closed under load loses nothing: its gateways ask the other one, and what is under way is answered', async (t) => {
  const { stage, replica, first, second } = await open(t, { hub: new Hub() })
  await stage.gateway('home-gw', { servers: [first] })
  const hotel = await stage.gateway('hotel-gw', { servers: [first, second] })
  const watch = await stage.pair('watch', 'home-gw')
  const pressure = load(hotel, watch, stage.lines)
  t.after(() => pressure.stop())
  await pressure.more(50)
  await replica.close({ graceMs: 60_000 })
  await pressure.more(50)
  const again = await stage.replica(undefined, second)
  t.after(() => again.close({ graceMs: 100 }))
  await until(
    () => stage.lines.some((line) => line['event'] === 'server-connected' && isAt(line, second)),
    'it is not used',
  )
  await pressure.more(50)
  await stage.stopServer()
  await pressure.more(50)
  await pressure.stop()
  t.diagnostic(`${pressure.outcomes.length} authentications`)
  assert.deepEqual([...new Set(pressure.outcomes)], ['success'])
})

function isAt(line: Record<string, unknown>, { port }: Address): boolean {
  return String(line['server']).endsWith(`:${port}`)
}

test('a server alone that is closed under load answers every request that it was sent', async (t) => {
  const stage = await Stage.open()
  t.after(() => stage.close())
  const { identity, secret } = await stage.register('home-gw')
  const listener = {
    onRevocationNotice: () => {},
    onPolicyNotice: () => {},
    onTicketRequest: () => ({ result: Result.busy }),
    onRotationNotice: () => {},
  }
  const { signal } = new AbortController()
  const server = stage.server.addresses.cpns
  const link = await openServerLink({ server, credential: { identity, secret, realm: REALM }, signal, listener })
  let answered = 0
  let lost = 0
  const one = async () => {
    while (link.isOpen) {
      const ask = (id: number) => encode(KeyAssignmentRequest, { id, secondSeed: randomBytes(32) })
      const { result } = await link
        .request(ask, KeyAssignmentResponse)
        .catch(() => ({ result: Result.serverUnreachable }))
      if (result === Result.success) answered++
      else lost++
    }
  }
  const all = Promise.all(Array.from({ length: 50 }, one))
  await until(() => answered > 500)
  const since = performance.now()
  await stage.server.close({ graceMs: 60_000 })
  const ms = performance.now() - since
  await all
  t.diagnostic(`${answered} requests, closed in ${Math.round(ms)} ms`)
  assert.equal(lost, 0, 'a request was sent and not answered')
  assert.ok(ms < 30_000, `${ms} ms: it closed as soon as all was answered, not when the time was over`)
})
