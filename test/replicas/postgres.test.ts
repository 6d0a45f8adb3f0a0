// Servers that share a PostgreSQL database: what one does holds at the other within a second, and while the database is away the
// devices that were seen go on being authenticated, but none that was revoked.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runGateway } from '@opencpns/gateway'
import { connect } from '@opencpns/pne'
import { readAdminAccess } from '@opencpns/server'
import { operate } from '../end-to-end/operator.ts'
import { townIn } from '../faults/support/fault-town.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { Relay } from '../support/relay.ts'
import { anyPort, Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { load, outcomeAt } from './outcome.ts'

let postgres: Postgres

before(async () => {
  postgres = await startPostgres()
})
after(() => postgres?.stop())

/** Two servers on a database of their own: home-gw is linked with the first, hotel-gw with the second. */
async function open(t: { after(act: () => unknown): void }, options: { maxStaleS?: number } = {}) {
  const stage = await Stage.open({ store: await postgres.createDatabase(), transientKeyLifetimeS: 0, ...options })
  const replica = await stage.replica()
  t.after(async () => {
    await stage.close()
    await replica.close({ graceMs: 100 })
  })
  await stage.gateway('home-gw')
  const hotel = await stage.gateway('hotel-gw', { servers: [replica.cpns] })
  return { stage, replica, hotel, watch: await stage.pair('watch', 'home-gw') }
}

test('a revocation, a policy and the end of a gateway at one server hold at the other', async (t) => {
  const { stage, hotel, watch } = await open(t)
  const ring = await stage.pair('ring', 'home-gw')
  for (const one of [watch, ring]) assert.equal(await outcomeAt(hotel, one, stage.lines), 'success')
  const session = await connect({ ...hotel.address, credential: watch })
  const since = performance.now()
  await stage.revoke(watch)
  assert.equal(await session.closed, 'revoked')
  const ms = performance.now() - since
  t.diagnostic(`${Math.round(ms)} ms from the request to the end of the session`)
  assert.ok(ms < 20_000, `${ms} ms`) // a second on a machine that has nothing else to do
  assert.equal(await outcomeAt(hotel, watch, stage.lines), 'AUTHENTICATION_FAILED')
  assert.equal(await outcomeAt(hotel, ring, stage.lines), 'success')

  await operate(stage, 'PATCH', '/v1/users/alice', { policy: { roaming: 'none' } })
  await until(async () => (await outcomeAt(hotel, ring, stage.lines)) === 'AUTHENTICATION_FAILED', 'it roams')
  await operate(stage, 'PATCH', '/v1/users/alice', { policy: { roaming: 'any' } })
  await until(async () => (await outcomeAt(hotel, ring, stage.lines)) === 'success', 'it may not roam')
  await stage.admin('/v1/gateways/hotel-gw/revoke', {})
  await until(async () => (await outcomeAt(hotel, ring, stage.lines)) === 'SERVER_UNREACHABLE', 'the link stands')
})

test('a ticket is asked of a gateway that is linked with the other server, and both know that it is connected', async (t) => {
  const { stage } = await open(t)
  const isConnected = async () => (await operate(stage, 'GET', '/v1/gateways/hotel-gw')).connected === true
  await until(isConnected, 'nobody knows that it is connected')
  const { uri } = await operate(stage, 'POST', '/v1/gateways/hotel-gw/tickets', { name: 'ring' })
  assert.match(uri, /^cpns:.*g=hotel-gw@example\.org/)
  await stage.register('away-gw')
  const atOnce = async () => {
    const since = performance.now()
    await assert.rejects(stage.admin('/v1/gateways/away-gw/tickets', {}), /409 .*GATEWAY_NOT_CONNECTED/)
    return performance.now() - since < 4500 // a server that says nothing is waited for 5 s
  }
  await until(atOnce, 'the other server does not say that it has no link', 30_000)
})

test('while the database is away a PNE that was seen is authenticated, a stranger and a revoked one are not; then all is as before', async (t) => {
  const { stage, hotel, watch } = await open(t)
  const [seen, unseen, revoked] = [watch, await stage.pair('unseen', 'home-gw'), await stage.pair('revoked', 'home-gw')]
  assert.equal(await outcomeAt(hotel, seen, stage.lines), 'success')
  assert.equal(await outcomeAt(hotel, revoked, stage.lines), 'success')
  await stage.revoke(revoked)
  await until(() => stage.lines.some((line) => line['event'] === 'revocations' && line['upTo'] === 1))

  const pressure = load(hotel, seen, stage.lines, 2)
  t.after(() => pressure.stop())
  await pressure.more(10)
  await postgres.kill()
  t.after(() => postgres.start().catch(() => {}))
  await pressure.more(40)
  assert.equal(await outcomeAt(hotel, unseen, stage.lines), 'BUSY')
  assert.notEqual(await outcomeAt(hotel, revoked, stage.lines), 'success')
  await pressure.more(10)
  await postgres.start()
  await until(async () => (await outcomeAt(hotel, unseen, stage.lines)) === 'success', 'the database is not used again')
  await pressure.stop()
  t.diagnostic(`${pressure.outcomes.length} authentications of one that was seen`)
  assert.deepEqual([...new Set(pressure.outcomes)], ['success'])
  assert.equal(await outcomeAt(hotel, revoked, stage.lines), 'AUTHENTICATION_FAILED')
})

test('a gateway that comes back while the database is away is served; one that was never there, or was revoked, is not', async (t) => {
  const { stage, replica, watch } = await open(t)
  const relay = await Relay.to(replica.cpns)
  t.after(() => relay.close())
  const back = await stage.gateway('back-gw', { servers: [relay.address] })
  const gone = await stage.gateway('gone-gw', { servers: [replica.cpns] })
  const never = await stage.register('never-gw')
  for (const gateway of [back, gone]) assert.equal(await outcomeAt(gateway, watch, stage.lines), 'success')
  await stage.admin('/v1/gateways/gone-gw/revoke', {}) // costs nobody else what is remembered
  await until(
    async () => (await outcomeAt(gone, watch, stage.lines)) === 'SERVER_UNREACHABLE',
    'the link stands',
    20_000,
  )

  const before = stage.lines.length
  const said = (name: string) => stage.lines.slice(before).filter(({ event }) => event === name)
  await postgres.kill()
  t.after(() => postgres.start().catch(() => {}))
  await until(() => said('store-away').length === 2, 'not both servers notice', 20_000)
  relay.cut()
  await until(
    async () => (await outcomeAt(back, watch, stage.lines)) === 'SERVER_UNREACHABLE',
    'the link stands',
    20_000,
  )
  relay.mend()
  await until(async () => (await outcomeAt(back, watch, stage.lines)) === 'success', 'it gets no link', 20_000)
  const options = { credentialFile: never.file, dataDir: stage.path('never-gw'), listen: anyPort, logger: stage.logger }
  const stranger = stage.adopt(await runGateway({ ...options, server: replica.cpns }))
  await until(() => said('link-refused').some(({ reason }) => reason === 'STORE_BUSY'), 'no link is refused', 20_000)
  for (const gateway of [gone, stranger])
    assert.equal(await outcomeAt(gateway, watch, stage.lines), 'SERVER_UNREACHABLE')
  await postgres.start()
  await until(async () => (await outcomeAt(stranger, watch, stage.lines)) === 'success', 'it gets no link', 30_000)
  assert.equal(await outcomeAt(gone, watch, stage.lines), 'SERVER_UNREACHABLE')
})

test('without tolerance nobody is authenticated while the database is away', async (t) => {
  const { stage, hotel, watch } = await open(t, { maxStaleS: 0 })
  assert.equal(await outcomeAt(hotel, watch, stage.lines), 'success')
  await postgres.kill()
  try {
    await until(async () => (await outcomeAt(hotel, watch, stage.lines)) === 'BUSY', 'it is authenticated')
  } finally {
    await postgres.start()
  }
})

test('processes: a revocation at one server ends the sessions at gateways of another', {
  timeout: 300_000,
}, async (t) => {
  const town = await townIn({ after: (undo) => t.after(undo) }, await postgres.createDatabase())
  const first = await town.firstServer()
  const second = await town.replica('server-2')
  for (const name of ['home', 'hotel']) await town.town.addGateway(name)
  const home = await town.startGateway('home', { servers: [first.address] })
  const hotel = await town.startGateway('hotel', { servers: [second.address] })
  const watch = await town.pair(home, 'watch')
  await until(async () => (await outcomeAt(hotel, watch)) === 'success', 'the hotel reaches no server')
  const session = await connect({ ...hotel.address, credential: watch })
  const { url, token } = await readAdminAccess(town.path('server'))
  const since = performance.now()
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await fetch(`${url}/v1/pnes/${watch.pneId}/revoke`, { method: 'POST', headers })
  assert.equal(status, 200)
  assert.equal(await session.closed, 'revoked')
  t.diagnostic(`${Math.round(performance.now() - since)} ms from the request to the end of the session`)
  assert.equal(await outcomeAt(hotel, watch), 'AUTHENTICATION_FAILED')
})
