// The database is restarted, killed and restarted, and stopped for half a minute. Devices that a replica has authenticated before
// go on being authenticated, those that it never heard of hear `busy`, assignments fail in words; all recover by themselves.

import { setTimeout as sleep } from 'node:timers/promises'
import { pair } from '@opencpns/pne'
import { startPostgres } from '../support/postgres.ts'
import { type Fault, Promises, type Trial } from './support/fault.ts'
import { becomes, type FaultTown, type GatewayProcess, townIn } from './support/fault-town.ts'
import { type Attempt, countsOf, isSuccess, Load, longestMs, outcomeOf } from './support/load.ts'

const PER_S = 15
const RECOVERY_MS = 30_000

export const postgresRestart: Fault = {
  name: 'postgres-restart',
  async attempt(trial) {
    const postgres = await startPostgres()
    trial.after(() => postgres.stop())
    const town = await townIn(trial, await postgres.createDatabase())
    const scene = await settle(town)
    const promises = new Promises()
    const again = {
      restarted: async () => {
        await postgres.halt()
        await postgres.start()
      },
      killed: async () => {
        await postgres.kill()
        await postgres.start()
      },
    }
    const restarts = []
    for (const [how, restart] of Object.entries(again))
      restarts.push(await underLoad(how, scene, restart, promises, trial))
    const stopMs = trial.short ? 5000 : 30_000
    const stopped = await underLoad(
      'stopped',
      scene,
      async () => {
        await postgres.halt()
        await whileStopped(scene, promises, trial, stopMs)
        await postgres.start()
      },
      promises,
      trial,
    )
    const recoveredMs = await recovered(scene)
    promises.keep(`everything recovers by itself within ${RECOVERY_MS / 1000} s`, recoveredMs <= RECOVERY_MS)
    const longest = Math.max(...restarts.map(({ longestMs }) => longestMs))
    const says =
      `restarted, and killed: ${restarts[0]?.count} and ${restarts[1]?.count} authentications of known devices, none failed, the longest ${longest} ms; stopped for ${stopMs / 1000} s: ` +
      `${stopped.count} of known devices, none failed, the longest ${stopped.longestMs} ms; an unknown device was told to try again, a pairing failed as busy; all back ${recoveredMs} ms after the database`
    return promises.finding(says, { restarted: restarts[0], killed: restarts[1], stopped, recoveredMs })
  },
}

interface Scene {
  readonly town: FaultTown
  readonly home: GatewayProcess
  /** A device that the server has authenticated before, and one that it has not. */
  readonly known: Attempt
  readonly unknown: Attempt
  readonly atHome: Attempt
}

async function settle(town: FaultTown): Promise<Scene> {
  await town.server()
  const home = await town.gateway('home')
  const { address: hotel, log } = await town.gateway('hotel')
  const watch = await town.pair(home, 'watch')
  const camera = await town.pair(home, 'camera')
  const known = { gateway: hotel, credential: watch, log }
  await becomes('remote', known)
  return {
    town,
    home,
    known,
    unknown: { gateway: hotel, credential: camera },
    atHome: { gateway: home.address, credential: watch, log: home.log },
  }
}

/** Known devices, in both cases, while something happens to the database. */
async function underLoad(
  how: string,
  { known, atHome }: Scene,
  act: () => Promise<void>,
  promises: Promises,
  { say, after }: Trial,
) {
  const loads = [known, atHome].map((attempt) => new Load({ ...attempt, perS: PER_S }))
  after(() => Promise.all(loads.map((load) => load.stop())))
  await sleep(500)
  await act()
  await sleep(1000)
  const [remote = [], local = []] = await Promise.all(loads.map((load) => load.stop()))
  say(`${how}: ${JSON.stringify(countsOf(remote))}, the longest ${longestMs(remote)} ms`)
  promises.keep(`${how}: devices that are known go on`, remote.every(isSuccess), countsOf(remote))
  promises.keep(
    `${how}: the local case does not notice`,
    local.every(({ result }) => result === 'local'),
    countsOf(local),
  )
  return { count: remote.length, longestMs: longestMs(remote), ...countsOf(remote) }
}

async function whileStopped(
  { town, home, unknown }: Scene,
  promises: Promises,
  { say }: Trial,
  ms: number,
): Promise<void> {
  const over = sleep(ms)
  const uri = await town.ticket(home, 'late')
  const begun = performance.now()
  const refusal = await pair({ uri, credentialFile: town.path('late.json') }).then(
    () => 'paired',
    ({ code }) => code,
  )
  const refusedMs = Math.round(performance.now() - begun)
  const hint = await outcomeOf(unknown)
  say(`a pairing meanwhile: ${refusal} after ${refusedMs} ms; a device that is not known: ${hint}`)
  promises.keep('an assignment fails in words', refusal === 'BUSY' || refusal === 'SERVER_UNREACHABLE', refusal)
  promises.keep(
    'a device that is not known is told to try again',
    hint === 'BUSY' || hint === 'SERVER_UNREACHABLE',
    hint,
  )
  await over
}

/** Milliseconds until the unknown device is authenticated, and the pairing that failed is finished by its ticket. */
async function recovered({ town, home, unknown }: Scene): Promise<number> {
  const begun = performance.now()
  await becomes('remote', unknown)
  const ms = Math.round(performance.now() - begun)
  await town.pair(home, 'later')
  return ms
}
