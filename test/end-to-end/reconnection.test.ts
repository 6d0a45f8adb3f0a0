// A device at a gateway that it visits comes back without the CPNS Server for as long as its transient key lasts, and by one
// round trip to the server afterwards.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Credential, connect, type DeviceEvent, runDevice } from '@opencpns/pne'
import { Relay } from '../support/relay.ts'
import { Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

interface Visit {
  readonly stage: Stage
  readonly events: DeviceEvent[]
  /** Resolves when the gateway is connected and has challenges, so that it asks the server once for each who comes. */
  warm(): Promise<void>
  /** Cuts the device off. */
  cut(): void
  /** Lets it come back. */
  mend(): void
  /** Resolves at the n-th session; gives the server round trips that the gateway counted for each so far. */
  sessions(count: number): Promise<unknown[]>
}

/** A device that runs at a gateway which does not know it, behind a wire that can be cut. */
async function visit(t: TestContext, transientKeyLifetimeS: number): Promise<Visit> {
  const stage = await Stage.open({ transientKeyLifetimeS })
  t.after(() => stage.close())
  await stage.gateway('home-gw')
  const hotel = await stage.gateway('hotel-gw')
  const wire = await Relay.to(hotel.address)
  t.after(() => wire.close())
  const other = await stage.pair('other', 'home-gw')
  const credential = await stage.pair('watch', 'home-gw')
  const roundTripsOf = ({ pneId }: Credential) =>
    stage.lines
      .filter((line) => line['event'] === 'authentication' && line['gateway'] === hotel.identity)
      .filter((line) => line['result'] === 'success' && line['pneId'] === pneId)
      .map(({ serverRoundTrips }) => serverRoundTrips)
  const warm = () =>
    until(async () => {
      const session = await connect({ ...hotel.address, credential: other }).catch(() => undefined)
      await session?.close()
      return session !== undefined && roundTripsOf(other).at(-1) === 1
    })
  await warm()
  const events: DeviceEvent[] = []
  const onEvent = (event: DeviceEvent) => void events.push(event)
  const device = await runDevice({ credential, gateways: [wire.address], random: () => 0.001, onEvent })
  t.after(() => device.close())
  return {
    stage,
    events,
    warm,
    cut: () => wire.cut(),
    mend: () => wire.mend(),
    async sessions(count) {
      await until(() => events.filter(({ event }) => event === 'connected').length >= count)
      await until(() => roundTripsOf(credential).length >= count)
      return roundTripsOf(credential)
    },
  }
}

test('within the lifetime of the transient key the server may be away: no round trip', async (t) => {
  const { stage, cut, mend, sessions } = await visit(t, 3600)
  assert.deepEqual(await sessions(1), [1])
  await stage.stopServer()
  for (let count = 2; count <= 4; count++) {
    cut()
    mend()
    assert.deepEqual(await sessions(count), [1, 0, 0, 0].slice(0, count))
  }
})

test('after the lifetime it is one round trip again, and no session while the server is away', async (t) => {
  const { stage, events, warm, cut, mend, sessions } = await visit(t, 1)
  assert.deepEqual(await sessions(1), [1])
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const server = await stage.stopServer()
  cut()
  mend()
  const refused = (event: DeviceEvent) => event.event === 'failed' && event.error.code === 'SERVER_UNREACHABLE'
  await until(() => events.some(refused))
  assert.equal((await sessions(1)).length, 1)
  cut()
  await stage.startServer(server)
  await warm()
  mend()
  assert.deepEqual(await sessions(2), [1, 1])
})
