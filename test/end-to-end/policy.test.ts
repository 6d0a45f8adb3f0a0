// Policy: where the PNEs of a user may be, whom a gateway takes, how many sessions. Each rule is held to by the server, by the
// gateway, or by both, and to a PNE every refusal of a person looks the same.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Gateway, readGatewayStatus, runGateway } from '@opencpns/gateway'
import type { Address } from '@opencpns/io'
import { type Credential, connect, TransientKeys } from '@opencpns/pne'
import { anyPort, Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { operate, refusals, registered, setVisitors } from './operator.ts'

const HOME = 'home-gw@example.org'
const HOTEL = 'hotel-gw@example.org'

interface Place {
  readonly stage: Stage
  readonly home: Gateway
  readonly hotel: Gateway
  readonly watch: Credential
  user(policy: object): Promise<unknown>
  visitors(gateway: string, visitors: boolean): Promise<void>
}

async function openPlace(t: TestContext): Promise<Place> {
  const echo = createServer((socket) => void socket.on('error', () => socket.destroy()).pipe(socket))
  await once(echo.listen(0, '127.0.0.1'), 'listening')
  const services = { echo: { host: '127.0.0.1', port: (echo.address() as AddressInfo).port } }
  const stage = await Stage.open({ services })
  t.after(async () => {
    await stage.close()
    echo.close()
  })
  const home = await stage.gateway('home-gw')
  const hotel = await stage.gateway('hotel-gw')
  const watch = await stage.pair('watch', 'home-gw')
  const user = (policy: object) => operate(stage, 'PATCH', '/v1/users/alice', { policy })
  const visitors = (gateway: string, visitors: boolean) => setVisitors(stage, gateway, visitors)
  return { stage, home, hotel, watch, user, visitors }
}

async function works(gateway: Gateway, credential: Credential, theCase: 'local' | 'remote'): Promise<void> {
  const session = await connect({ ...gateway.address, credential })
  assert.equal(session.facts.case, theCase)
  await session.close()
}

async function fails(gateway: Gateway, credential: Credential, code = 'AUTHENTICATION_FAILED'): Promise<void> {
  await assert.rejects(connect({ ...gateway.address, credential }), { code })
}

test('roaming: anywhere, nowhere, at listed gateways; at home always', async (t) => {
  const { stage, home, hotel, watch, user } = await openPlace(t)
  await works(hotel, watch, 'remote')
  await user({ roaming: 'none' })
  await fails(hotel, watch)
  await works(home, watch, 'local')
  await user({ roaming: 'listed', gateways: ['home-gw'] })
  await fails(hotel, watch)
  await user({ gateways: ['hotel-gw'] })
  await works(hotel, watch, 'remote')
  await user({ roaming: 'any', gateways: [] })
  await works(hotel, watch, 'remote')
  assert.deepEqual(await refusals(stage), ['ROAMING_NOT_ALLOWED', 'ROAMING_NOT_ALLOWED'])
})

test('a gateway that takes no visitors refuses them before it asks, also from its memory and without the server', async (t) => {
  const { stage, home, hotel, watch, visitors } = await openPlace(t)
  const transientKeys = new TransientKeys()
  const at = { ...hotel.address, credential: watch, transientKeys }
  await (await connect(at)).close()
  await visitors('hotel-gw', false)
  await assert.rejects(connect(at), { code: 'AUTHENTICATION_FAILED' }, 'it still holds the TK')
  await fails(hotel, watch)
  assert.deepEqual(await refusals(stage), [], 'the server was not asked')
  const isRefusal = ({ event, reason }: Record<string, unknown>) =>
    event === 'authentication' && reason === 'no-visitors'
  await until(() => stage.lines.filter(isRefusal).length === 2)
  await works(home, watch, 'local')

  const address = await stage.stopServer()
  await fails(hotel, watch)
  await stage.closeGateway('hotel-gw')
  const again = await reopen(stage, 'hotel-gw', address)
  await fails(again, watch)
  await stage.startServer(address)
  await visitors('hotel-gw', true)
  await works(again, watch, 'remote')
})

test('sessions of a PNE at once are limited, at home and away; services and presence both count', async (t) => {
  const { stage, home, hotel, watch, user } = await openPlace(t)
  await user({ sessionsMax: 2 })
  await until(async () => (await readGatewayStatus(stage.path('home-gw'))).policy.sessionsMax === 2)
  const lamp = await stage.pair('lamp', 'home-gw')
  for (const gateway of [home, hotel]) {
    const at = { ...gateway.address, credential: watch }
    const presence = await connect(at)
    const service = await connect({ ...at, service: 'echo' })
    await assert.rejects(connect({ ...at, service: 'echo' }), { code: 'BUSY' })
    const newer = await connect(at) // in the place of the older presence
    assert.equal(await presence.closed, 'replaced')
    await works(gateway, lamp, gateway === home ? 'local' : 'remote')
    await service.close()
    await until(async () => {
      const session = await connect({ ...at, service: 'echo' }).catch(() => undefined)
      await session?.close()
      return session !== undefined
    })
    await newer.close()
  }
  await user({ sessionsMax: null })
  await until(async () => (await readGatewayStatus(stage.path('home-gw'))).policy.sessionsMax === undefined)
  const three = await Promise.all([1, 2, 3].map(() => connect({ ...home.address, credential: watch, service: 'echo' })))
  await Promise.all(three.map((session) => session.close()))
})

test('a revoked gateway is cut off at once and refused; its PNEs stay at home and elsewhere', async (t) => {
  const { stage, home, hotel, watch } = await openPlace(t)
  const session = await connect({ ...home.address, credential: watch })
  await until(async () => watch.pneId in (await registered(stage, 'home-gw')))
  await operate(stage, 'POST', '/v1/gateways/home-gw/revoke')
  await until(async () => (await liveServer(stage, 'home-gw')) === false)
  await works(hotel, watch, 'remote')
  await works(home, watch, 'local') // it holds the key, and nobody can take it from there
  await assert.rejects(stage.pair('lamp', 'home-gw'))
  assert.deepEqual((await operate(stage, 'GET', '/v1/sessions?gateway=home-gw')).items, [])
  await assert.rejects(operate(stage, 'GET', '/v1/pns/home-gw'), /GATEWAY_UNKNOWN/)
  await until(() => stage.lines.some((line) => line['event'] === 'link-refused'))
  await session.close()
})

test('a removed user is gone everywhere: sessions, keys and gateways', async (t) => {
  const { stage, home, hotel, watch } = await openPlace(t)
  await operate(stage, 'POST', '/v1/users', { name: 'bob' })
  const atHome = await connect({ ...home.address, credential: watch })
  const away = await connect({ ...hotel.address, credential: watch })
  const removal = await operate(stage, 'DELETE', '/v1/users/alice')
  assert.deepEqual(
    [removal.name, removal.pnes, removal.gateways.sort(), removal.erased],
    ['alice', 1, [HOME, HOTEL], true],
  )
  assert.deepEqual((await operate(stage, 'GET', `/v1/pnes/${watch.pneId}`)).state, 'revoked')
  // The gateways hear of the revocation before their links end.
  assert.deepEqual(await Promise.all([atHome.closed, away.closed]), ['revoked', 'revoked'])
  await until(async () => (await readGatewayStatus(stage.path('home-gw'))).keys === 0)
  for (const gateway of [home, hotel]) {
    await assert.rejects(connect({ ...gateway.address, credential: watch }), { name: 'PneError' })
  }
  await assert.rejects(operate(stage, 'DELETE', '/v1/users/alice'), /USER_UNKNOWN/)
  await assert.rejects(operate(stage, 'POST', '/v1/users', { name: 'alice' }), /USER_EXISTS/)
  await assert.rejects(operate(stage, 'POST', '/v1/gateways', { name: 'new-gw', user: 'alice' }), /USER_UNKNOWN/)
})

async function reopen(stage: Stage, name: string, server: Address): Promise<Gateway> {
  const { logger } = stage
  const options = { credentialFile: stage.path(`${name}.json`), dataDir: stage.path(name), listen: anyPort, logger }
  return stage.adopt(await runGateway({ ...options, server }))
}

async function liveServer(stage: Stage, gateway: string): Promise<boolean | undefined> {
  return (await readGatewayStatus(stage.path(gateway))).live?.server?.connected
}
