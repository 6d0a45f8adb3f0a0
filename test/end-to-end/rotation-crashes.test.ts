// kill -9 of the PNE, of the gateway and of the server at any moment of a rotation, as processes of their own. The PNE then has a
// key that works: at home also while the server is down, and at a gateway that never heard of it. The next attempt finishes it.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTicket, type Gateway, runGateway } from '@opencpns/gateway'
import { type Address, formatHostPort, silent } from '@opencpns/io'
import { connect, type PneError, pair, readCredential, rotate } from '@opencpns/pne'
import { passOn, Relay } from '../support/relay.ts'
import { anyPort } from '../support/stage.ts'
import { until } from '../support/until.ts'
import type { Running } from './processes.ts'
import { addressOf, ProcessTown } from './town.ts'

const launcher = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))
const ROUNDS = 20
/** A slow machine does fewer rounds. */
const TIME_MS = 20_000
const ROUNDS_MIN = 6
/** A rotation and the session after it take about so long. */
const ROTATION_MS = 60

type Victim = 'PNE' | 'gateway' | 'server'

let town: ProcessTown
let server: Running
let serverAt: Address
let gateway: Running
let home: Address
let hotel: Gateway
/** Between PNE and gateway. */
let door: Relay
let file: string

before(async () => {
  town = await ProcessTown.open()
  server = await town.startServer()
  serverAt = addressOf(server, 'cpns')
  await town.addUser()
  for (const name of ['home-gw', 'hotel-gw']) await town.addGateway(name)
  gateway = await town.startGateway('home-gw', serverAt)
  home = addressOf(gateway, 'pne')
  door = await Relay.to(home)
  hotel = await runGateway({
    credentialFile: town.path('hotel-gw.json'),
    dataDir: town.path('hotel-gw'),
    server: serverAt,
    listen: anyPort,
    logger: silent,
  })
  file = town.path('watch.json')
  const addresses = [formatHostPort(home)]
  await until(async () => {
    const { uri } = await createTicket({ dataDir: town.path('home-gw'), name: 'watch', addresses })
    return pair({ uri, credentialFile: file }).then(
      () => true,
      () => false,
    )
  }, 'it cannot be paired')
})

after(async () => {
  await hotel?.close({ graceMs: 0 })
  await door?.close()
  await town?.close()
})

/** One attempt to rotate, in which the victim is killed so many milliseconds after the first octets came to the gateway. */
async function attempt(victim: Victim, ms: number): Promise<void> {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  door.tamper = (piece) => {
    begin()
    return passOn(piece)
  }
  let pne: ChildProcess | undefined
  let ended: Promise<unknown>
  if (victim === 'PNE') {
    const args = ['pne', 'rotate', formatHostPort(door.address), '--credential', file]
    pne = spawn(process.execPath, [launcher, ...args], { stdio: 'ignore' })
    ended = once(pne, 'exit')
  } else {
    const credential = await readCredential(file)
    ended = rotate({ ...door.address, credential, timeoutMs: 1500 }).catch(() => {})
  }
  await begun
  await sleep(ms)
  if (victim === 'PNE') pne?.kill('SIGKILL')
  else await (victim === 'gateway' ? gateway : server).stop('SIGKILL')
  await ended
  door.tamper = passOn
}

async function restart(victim: Victim): Promise<void> {
  if (victim === 'gateway') gateway = await town.startGateway('home-gw', serverAt, home.port)
  else if (victim === 'server') server = await town.startServer(serverAt.port)
}

/** The case of a session with what is on the PNE's disk, or why there is none. */
async function outcomeAt(at: Address): Promise<string> {
  try {
    const session = await connect({ ...at, credential: await readCredential(file) })
    await session.close()
    return session.facts.case
  } catch (error) {
    return (error as PneError).code
  }
}

/** Without the server for a while a gateway may still be on its way back to it. */
async function eventually(at: Address, wanted: RegExp): Promise<void> {
  let last = ''
  await until(
    async () => {
      last = await outcomeAt(at)
      assert.match(last, /^(local|remote|SERVER_UNREACHABLE|UNREACHABLE|BUSY)$/, 'no key is refused')
      return wanted.test(last)
    },
    `it is not ${wanted}`,
    60_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}, but ${last}`)
  })
}

/** Rotates until it is done. */
async function finish(): Promise<void> {
  await until(
    async () => {
      try {
        await rotate({ ...home, credential: await readCredential(file) })
        return true
      } catch (error) {
        // ROTATION_UNAVAILABLE: killed between the server's word and its own, the gateway hears by one remote case that the key is active.
        assert.match(
          (error as PneError).code,
          /^(DEADLINE_EXCEEDED|UNREACHABLE|SERVER_UNREACHABLE|BUSY|ROTATION_UNAVAILABLE)$/,
        )
        return false
      }
    },
    'the rotation does not come to an end',
    60_000,
  )
}

test('whoever is killed at any moment of a rotation, a key works, and the next attempt finishes it', {
  timeout: 400_000,
}, async (t) => {
  const startedAt = performance.now()
  const seeds = new Set<string>()
  const victims = ['PNE', 'gateway', 'server'] as const
  let rounds = 0
  for (; rounds < ROUNDS && (rounds < ROUNDS_MIN || performance.now() - startedAt < TIME_MS); rounds++) {
    const victim = victims[rounds % victims.length] as Victim
    const ms = Math.random() * ROTATION_MS
    const before = await readCredential(file)
    await attempt(victim, ms)
    if (victim === 'server') assert.equal(await outcomeAt(home), 'local', `the server died after ${ms} ms`)
    await restart(victim)
    t.diagnostic(`${victim} died after ${Math.round(ms)} ms`)
    if (victim !== 'server') await eventually(home, /^(local|remote)$/)
    await eventually(hotel.address, /^remote$/)
    await finish()
    const after = await readCredential(file)
    assert.equal(after.keys.next, undefined)
    assert.notDeepEqual(after.secondSeed, before.secondSeed)
    seeds.add(Buffer.from(after.secondSeed).toString('hex'))
  }
  t.diagnostic(`${rounds} rounds in ${Math.round(performance.now() - startedAt)} ms`)
  assert.equal(seeds.size, rounds, 'each key is another one')
  await eventually(home, /^local$/)
  await eventually(hotel.address, /^remote$/)
})

test('after all that there is one key: at the gateway, and at the server', async () => {
  const active = () => {
    const db = new DatabaseSync(town.path('home-gw/gateway.db'), { readOnly: true, timeout: 5000 })
    const rows = db.prepare('SELECT state FROM eu_keys').all()
    db.close()
    return rows.map(({ state }) => state)
  }
  const keys = async () => {
    const { generations } = await town.admin<{ generations: { keys: number }[] }>('/v1/users/alice')
    return generations.reduce((sum, generation) => sum + generation.keys, 0)
  }
  await until(async () => (await keys()) === 1, 'the server still has old keys')
  await until(() => active().join() === 'active', 'the gateway still has old keys')
})
