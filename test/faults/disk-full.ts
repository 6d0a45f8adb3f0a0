// The disk of the server is full, then that of the gateway. What must be written is refused in words, what need not be goes on,
// nothing is damaged, and with room all goes on by itself. And a file that was torn, or in which a bit was flipped, is found at
// the start.

import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { readGatewayStatus } from '@opencpns/gateway'
import { pair } from '@opencpns/pne'
import type { Running } from '../end-to-end/processes.ts'
import { until } from '../support/until.ts'
import { tryDamage } from './support/damage.ts'
import { type Fault, Promises, skipped, type Trial } from './support/fault.ts'
import { AT_LAST_MS, becomes, type FaultTown, openTown } from './support/fault-town.ts'
import { type Attempt, countsOf, isSuccess, Load } from './support/load.ts'
import { SmallDisk } from './support/small-disk.ts'

const DISK_MIB = 4
const PER_S = 20
/** Before that the gateway has told it what is wrong, on a slow machine too. */
const PAIRING_MS = 30_000

export const diskFull: Fault = {
  name: 'disk-full',
  async attempt(trial) {
    const town = await openTown(trial)
    if (typeof town === 'string') return skipped(town)
    const promises = new Promises()
    const scene = await settle(town)
    const atServer = await fillServer(scene, promises, trial)
    if (typeof atServer === 'string') return skipped(atServer)
    const atGateway = await fillGateway(scene, promises, trial)
    if (typeof atGateway === 'string') return skipped(atGateway)
    await addDevices(town, 300)
    await Promise.all([scene.server.stop(), scene.home.running.stop(), scene.hotel.running.stop()])
    const damage = await tryDamage(town, promises, trial.short ? 300 : 3000)
    const says =
      `server full: ${atServer.remote} remote authentications went on, assignments were refused as busy and users as STORE_FULL; ` +
      `gateway full: ${atGateway.local} local ones went on; both went on by themselves with room again. Of ${damage.flips} flipped bits ` +
      `${damage.harmless} changed nothing, ${damage.found} were found at the start, ${damage.unfound} were not; ${damage.torn} torn files were all found`
    return promises.finding(says, { ...atServer, ...atGateway, ...damage })
  },
}

/** So that there is something to damage. */
async function addDevices(town: FaultTown, count: number): Promise<void> {
  const gateway = await town.linkedGateway('depot')
  const seeds = Array.from({ length: count }, () => randomBytes(32))
  await Promise.all(seeds.map((seed, index) => gateway.assign(seed, `device-${index}`)))
  await Promise.all(seeds.map((seed) => gateway.confirm(seed)))
}

interface Scene {
  readonly town: FaultTown
  server: Running
  home: Awaited<ReturnType<FaultTown['gateway']>>
  readonly hotel: Awaited<ReturnType<FaultTown['gateway']>>
  readonly atHome: Attempt
  readonly atHotel: Attempt
}

async function settle(town: FaultTown): Promise<Scene> {
  const server = await town.server()
  const home = await town.gateway('home')
  const hotel = await town.gateway('hotel')
  const credential = await town.pair(home, 'watch')
  const atHotel = { gateway: hotel.address, credential, log: hotel.log }
  await becomes('remote', atHotel)
  return { town, server, home, hotel, atHome: { gateway: home.address, credential, log: home.log }, atHotel }
}

async function fillServer(scene: Scene, promises: Promises, trial: Trial) {
  const { town, home, atHotel } = scene
  await scene.server.stop()
  const disk = SmallDisk.hold(town.path('server'), DISK_MIB, trial)
  if (typeof disk === 'string') return disk
  scene.server = await town.serverAgain()
  await becomes('remote', atHotel)
  const uri = await town.ticket(home, 'camera')
  disk.fill()
  const remote = await goesOn(atHotel)
  promises.keep('the server goes on authenticating while its disk is full', remote.every(isSuccess), countsOf(remote))
  const refused = await town.town.attempt('admin', 'user', 'add', 'bob', '--data', town.path('server'))
  promises.keep(
    'a change is refused with what to do',
    refused.code === 5 && /disk is full: make room/.test(refused.stderr),
    refused,
  )
  promises.keep('a pairing is refused as busy', (await pairing(town, uri, 'camera')) === 'BUSY')
  disk.makeRoom()
  promises.keep('the same ticket pairs when there is room', await pairsAtLast(town, uri, 'camera'))
  await town.town.run('admin', 'user', 'add', 'bob', '--data', town.path('server'))
  promises.keep('the database of the server is whole', await isWhole(town.path('server/cpns.db')))
  trial.say('the server went on')
  return { remote: remote.length }
}

async function fillGateway(scene: Scene, promises: Promises, trial: Trial) {
  const { town, home, atHome } = scene
  const uri = await town.ticket(home, 'lamp')
  await home.running.stop()
  const disk = SmallDisk.hold(town.path('home'), DISK_MIB, trial)
  if (typeof disk === 'string') return disk
  scene.home = { ...home, running: await home.again() }
  await becomes('local', atHome)
  const isPaired = async () => (await pairing(town, await town.ticket(home, 'plug'), 'plug')) === 'paired'
  await until(isPaired, 'the gateway does not reach the server', AT_LAST_MS)
  const isEmpty = async () => (await readGatewayStatus(town.path('home'))).outbox === 0
  await until(isEmpty, 'presences are not told to the server', AT_LAST_MS)
  const before = await presences(town)
  disk.fill()
  const local = await goesOn(atHome)
  promises.keep('the gateway goes on authenticating while its disk is full', local.every(isSuccess), countsOf(local))
  const refused = await town.town.attempt('gateway', 'pair', '--data', town.path('home'), '--name', 'kettle')
  promises.keep(
    'a ticket is refused with what to do',
    refused.code === 5 && /disk is full: make room/.test(refused.stderr),
    refused,
  )
  promises.keep('a pairing is refused as busy', (await pairing(town, uri, 'lamp')) === 'BUSY')
  disk.makeRoom()
  promises.keep('the same ticket pairs when there is room', await pairsAtLast(town, uri, 'lamp'))
  const isTold = async () => (await presences(town)) >= before + local.length
  const told = until(isTold, '', AT_LAST_MS).then(
    () => true,
    () => false,
  )
  promises.keep('presences of that time are told to the server later', await told)
  promises.keep('the database of the gateway is whole', await isWhole(town.path('home/gateway.db')))
  trial.say('the gateway went on')
  return { local: local.length }
}

async function goesOn(attempt: Attempt) {
  const load = new Load({ ...attempt, perS: PER_S })
  await until(() => load.outcomes.length >= 2 * PER_S, 'nobody is served', AT_LAST_MS)
  return load.stop()
}

/** `paired`, or the code of the error. */
async function pairing(town: FaultTown, uri: string, name: string): Promise<string> {
  const paired = pair({ uri, credentialFile: town.path(`${name}.json`), timeoutMs: PAIRING_MS })
  return paired.then(
    () => 'paired',
    ({ code }) => code,
  )
}

/** As a person would who is told to try again. */
async function pairsAtLast(town: FaultTown, uri: string, name: string): Promise<boolean> {
  const isPaired = async () => (await pairing(town, uri, name)) === 'paired'
  return until(isPaired, '', AT_LAST_MS).then(
    () => true,
    () => false,
  )
}

/** Presences at home that began, as the server has counted them. */
async function presences(town: FaultTown): Promise<number> {
  const { items } = await town.town.admin<{ items: RegistrationEvent[] }>('/v1/events?type=registration&limit=1000')
  return items.filter(({ result, gateway }) => result === 'began' && gateway.startsWith('home@')).length
}

interface RegistrationEvent {
  readonly result: string
  readonly gateway: string
}

/** As SQLite finds a database that is in use. */
async function isWhole(file: string): Promise<boolean> {
  const db = new DatabaseSync(file)
  const found = db.prepare('PRAGMA integrity_check').all()
  db.close()
  return found.length === 1 && found[0]?.['integrity_check'] === 'ok'
}
