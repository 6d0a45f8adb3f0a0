// A change of the master key is noticed by no device: gateways keep no challenge from before, and pair, authenticate and rotate on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rekeyDataFolder } from '@opencpns/server'
import { outcomeAt } from '../replicas/outcome.ts'
import { Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('after server rekey the first remote authentication at each gateway succeeds', async (t) => {
  const stage = await Stage.open({ transientKeyLifetimeS: 0 })
  t.after(() => stage.close())
  const gateways = [await stage.gateway('home-gw'), await stage.gateway('hotel-gw'), await stage.gateway('lobby-gw')]
  const [, ...visited] = gateways
  const watch = await stage.pair('watch', 'home-gw')
  for (const gateway of visited) assert.equal(await outcomeAt(gateway, watch), 'success')
  const said = (event: string) => stage.lines.filter((line) => line['event'] === event)

  const listen = await stage.stopServer()
  const gatewaysOf = (lines: readonly Record<string, unknown>[]) => new Set(lines.map(({ gateway }) => gateway)).size
  await until(() => gatewaysOf(said('server-lost')) === gateways.length, 'not all notice')
  await rekeyDataFolder(stage.path('server'))
  const before = stage.lines.length
  await stage.startServer(listen)
  const back = () => stage.lines.slice(before).filter((line) => line['event'] === 'server-connected')
  await until(() => gatewaysOf(back()) === gateways.length, 'not all are back')

  for (const gateway of visited) assert.equal(await outcomeAt(gateway, watch), 'success')
  assert.equal(await outcomeAt(gateways[1] ?? assert.fail(), await stage.pair('ring', 'home-gw')), 'success')
  assert.deepEqual(
    said('authentication').filter(({ reason }) => reason === 'CHALLENGE_FORGED'),
    [],
  )
})
