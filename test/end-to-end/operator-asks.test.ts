// What an operator asks a gateway for through the server: a pairing ticket, and a new key for a device. All real parties.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, pair, readCredential, type Session } from '@opencpns/pne'
import { parsePairingUri } from '@opencpns/protocol'
import { Town } from '../support/stage.ts'
import { until } from '../support/until.ts'

let town: Town

before(async () => {
  town = await Town.open()
})

after(() => town.close())

const tickets = (gateway: string) => `/v1/gateways/${gateway}@example.org/tickets`

test('a ticket asked for at the server pairs one device, and the server tells which', async () => {
  const { uri = '', ticket = '' } = await town.stage.admin(tickets('home-gw'), { name: 'lamp', lifetimeS: 120 })
  assert.equal(Buffer.from(parsePairingUri(uri).ticketId).toString('base64url'), ticket)
  const state = () => town.stage.admin(`${tickets('home-gw')}/${ticket}`)
  assert.deepEqual(await state(), { ticket, state: 'open', pne: null })

  const lamp = await pair({ uri, credentialFile: town.stage.path('lamp.json') })
  await until(async () => (await state())['state'] === 'used')
  assert.deepEqual(await state(), { ticket, state: 'used', pne: lamp.pneId })
  const second = pair({ uri, credentialFile: town.stage.path('second.json') })
  await assert.rejects(second, { code: 'TICKET_USED' })
  const session = await connect({ ...town.home.address, credential: lamp })
  await session.close()

  const secret = Buffer.from(parsePairingUri(uri).secret).toString('base64url')
  assert.ok(!JSON.stringify(town.stage.lines).includes(secret))
})

test('a ticket of a gateway that is away is refused, and that of an unknown one too', async () => {
  await town.stage.register('away-gw')
  const atOnce = async () => {
    const since = performance.now()
    await assert.rejects(town.stage.admin(tickets('away-gw'), {}), /409 .*GATEWAY_NOT_CONNECTED/)
    return performance.now() - since < 4500 // a server that could have it would be waited for 5 s
  }
  await until(atOnce, 'other servers are waited for, and there are none', 30_000)
  await assert.rejects(town.stage.admin(tickets('no-gw'), {}), /404 /)
})

test('the key of a device that is present is renewed when the operator says so', async () => {
  const { watch } = town
  const old = Buffer.from(watch.secondSeed).toString('hex')
  let rotated = false
  const session: Session = await connect({
    ...town.home.address,
    credential: watch,
    onRotated: () => {
      rotated = true
    },
  })
  const answer = await town.stage.admin(`/v1/pnes/${watch.pneId}/rotate`, {})
  assert.deepEqual(answer, { id: watch.pneId, asked: true })
  await until(() => rotated)
  await session.close()
  // The next connection uses the new key, by which the old one is retired.
  await (await connect({ ...town.home.address, credential: watch })).close()
  const renewed = await readCredential(town.stage.path('watch.json'))
  assert.notEqual(Buffer.from(renewed.secondSeed).toString('hex'), old)
})

test('the key of a device that is away is renewed when it comes', async () => {
  const bulb = await town.stage.pair('bulb', 'home-gw')
  await town.stage.admin(`/v1/pnes/${bulb.pneId}/rotate`, {})
  let rotated = false
  const onRotated = () => {
    rotated = true
  }
  // In the remote case it keeps its key: only the gateway that assigned it may renew it.
  await (await connect({ ...town.hotel.address, credential: bulb, onRotated })).close()
  assert.equal(rotated, false)
  const session = await connect({ ...town.home.address, credential: bulb, onRotated })
  await until(() => rotated)
  await session.close()
})

test('the operator hears when the gateway of a device is away, and its key stays', async () => {
  const clock = await town.stage.pair('clock', 'hotel-gw')
  await town.stage.closeGateway('hotel-gw')
  const rotate = () => town.stage.admin(`/v1/pnes/${clock.pneId}/rotate`, {})
  await until(() =>
    rotate().then(
      () => false,
      (error: Error) => /409 .*GATEWAY_NOT_CONNECTED/.test(error.message),
    ),
  )
})
