// The server goes away, and comes back: the local case does not notice, the remote case fails in words and recovers by itself.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '@opencpns/io'
import { type Credential, connect, type PneError, pair } from '@opencpns/pne'
import { until } from '../support/until.ts'
import type { Running } from './processes.ts'
import { addressOf, ProcessTown } from './town.ts'

/** The longest pause of a gateway between two attempts, and as much again for a machine that has other things to do. */
const RECOVERY_MS = 20_000

let town: ProcessTown
let server: Running
let serverAt: Address
let home: Address
let hotel: Address
let watch: Credential

before(async () => {
  town = await ProcessTown.open()
  server = await town.startServer()
  serverAt = addressOf(server, 'cpns')
  await town.addUser()
  for (const name of ['home-gw', 'hotel-gw']) await town.addGateway(name)
  home = addressOf(await town.startGateway('home-gw', serverAt), 'pne')
  hotel = addressOf(await town.startGateway('hotel-gw', serverAt), 'pne')
  await town.haveServer('home-gw', 'hotel-gw')
  const { uri } = await town.run('gateway', 'pair', '--data', town.path('home-gw'), '--name', 'watch')
  watch = await pair({ uri: String(uri), credentialFile: town.path('watch.json') })
  await until(async () => (await outcomeAt(hotel)) === 'success', 'the hotel reaches no server')
})

after(() => town?.close())

/** `success`, or the code of the error. */
async function outcomeAt(gateway: Address): Promise<string> {
  try {
    const session = await connect({ ...gateway, credential: watch })
    await session.close()
    return 'success'
  } catch (error) {
    return (error as PneError).code
  }
}

/** Authenticates again and again until it is told to stop; gives all outcomes. */
function load(gateway: Address): { readonly outcomes: string[]; stop(): Promise<void> } {
  const outcomes: string[] = []
  let over = false
  const worker = async () => {
    while (!over) {
      const outcome = await outcomeAt(gateway)
      // A gateway with too much to do says so, on a machine as slow as that. It says nothing of the server.
      if (outcome !== 'BUSY') outcomes.push(outcome)
      await sleep(outcome === 'BUSY' ? 500 : 5) // the processor is for the others too
    }
  }
  const workers = Promise.all([worker(), worker(), worker(), worker()])
  const stop = async () => {
    over = true
    await workers
  }
  return { outcomes, stop }
}

test('server killed under load and started again: only the remote case fails, in words, and recovers by itself', async (t) => {
  const remote = load(hotel)
  const local = load(home)
  t.after(() => Promise.all([remote.stop(), local.stop()]))
  await until(() => remote.outcomes.length > 50 && local.outcomes.length > 50)
  assert.ok(remote.outcomes.every((outcome) => outcome === 'success'))

  await server.stop('SIGKILL')
  await until(() => remote.outcomes.at(-1) === 'SERVER_UNREACHABLE')
  const localBefore = local.outcomes.length
  await until(() => local.outcomes.length > localBefore + 50, 'the local case stands still')

  server = await town.startServer(serverAt.port)
  const since = performance.now()
  await until(() => remote.outcomes.at(-1) === 'success')
  const recoveredMs = Math.round(performance.now() - since)
  const failed = remote.outcomes.filter((outcome) => outcome !== 'success').length
  const recovered = remote.outcomes.length + 4 // those that were under way
  await until(() => remote.outcomes.length > recovered + 50)
  await Promise.all([remote.stop(), local.stop()])

  t.diagnostic(
    `${failed} remote authentications failed; the next succeeded ${recoveredMs} ms after the server was back`,
  )
  assert.ok(recoveredMs < RECOVERY_MS, `it took ${recoveredMs} ms`)
  assert.deepEqual(new Set(local.outcomes), new Set(['success']))
  assert.deepEqual(new Set(remote.outcomes), new Set(['success', 'SERVER_UNREACHABLE']))
  assert.ok(
    remote.outcomes.slice(recovered).every((outcome) => outcome === 'success'),
    'a failure after the recovery',
  )
})

test('server down: remote is refused as server-unreachable with exit code 4, local works, pairing says why it cannot', async () => {
  await server.stop('SIGTERM')
  const options = ['--credential', town.path('watch.json'), '--once']
  const away = await town.attempt('pne', 'connect', `127.0.0.1:${hotel.port}`, ...options)
  assert.equal(away.code, 4)
  assert.equal(JSON.parse(away.stdout).result, 'server-unreachable')
  assert.match(away.stderr, /does not reach the CPNS Server: try again/)
  const there = await town.run('pne', 'connect', `127.0.0.1:${home.port}`, ...options)
  assert.deepEqual([there['result'], there['case']], ['success', 'local'])
  const { uri } = await town.run('gateway', 'pair', '--data', town.path('home-gw'), '--name', 'later')
  const pairing = ['pne', 'pair', String(uri), '--credential', town.path('later.json')]
  assert.equal((await town.attempt(...pairing)).code, 4)

  server = await town.startServer(serverAt.port)
  await until(async () => (await outcomeAt(hotel)) === 'success', 'no recovery')
  await until(async () => (await town.attempt(...pairing)).code === 0, 'the same ticket serves again', 60_000)
})
