// The line between gateways and server is long, lossy, cut, or cut one way. The local case does not notice, nor does a device that
// comes back to a gateway it visited; the remote case takes one round trip of the line, fails in words and in time while it is
// cut, and comes back by itself.

import { setTimeout as sleep } from 'node:timers/promises'
import { formatHostPort } from '@opencpns/io'
import { TransientKeys } from '@opencpns/pne'
import { Machine } from '../end-to-end/processes.ts'
import { until } from '../support/until.ts'
import { type Fault, type Finding, Promises, skipped, type Trial } from './support/fault.ts'
import { AT_LAST_MS, becomes, type FaultTown, openTown } from './support/fault-town.ts'
import { Line, type Shape } from './support/line.ts'
import { type Attempt, countsOf, isSuccess, Load, longestMs, medianMs, outcomeOf } from './support/load.ts'

const ROUND_TRIP_MS = 200
const LOSS = 0.05
/** What the remote case may take more than the local one on a long line, in round trips: one, and what a busy machine adds. */
const ROUND_TRIPS_MAX = 1.3
const TRIES = 5
const TRIED_FOR_MS = 30_000
/** A gateway waits 4 s for the server (docs/protocol.md section 8), a device 15 s for its gateway: far from both, for a slow machine. */
const REFUSED_WITHIN_MS = 10_000
const RECOVERY_MS = 30_000
const PORT = 7410
/** Authentications a second of each kind. */
const PER_S = 10

export const network: Fault = {
  name: 'network',
  async attempt(trial) {
    const line = await Line.open(trial)
    if (typeof line === 'string') return skipped(line)
    const town = await openTown(trial)
    if (typeof town === 'string') return skipped(town)
    const scene = await settle(line, town, trial)
    const promises = new Promises()
    const figures: Record<string, unknown> = {}
    for (const phase of phases) {
      figures[phase.name] = await endure(phase, scene, promises, trial)
    }
    return judge(figures as Record<PhaseName, Figures>, promises)
  },
}

type PhaseName = 'good' | 'long' | 'lossy' | 'cut' | 'cutThere' | 'cutBack'

interface Phase {
  readonly name: PhaseName
  readonly shape: Partial<Shape>
}

const phases: readonly Phase[] = [
  { name: 'good', shape: {} },
  { name: 'long', shape: { roundTripMs: ROUND_TRIP_MS } },
  { name: 'lossy', shape: { roundTripMs: ROUND_TRIP_MS, loss: LOSS } },
  { name: 'cut', shape: { cut: 'both ways' } },
  { name: 'cutThere', shape: { cut: 'there' } },
  { name: 'cutBack', shape: { cut: 'back' } },
]

interface Scene {
  readonly line: Line
  readonly home: Attempt
  /** A device that the gateway asks the server about each time, and one whose TK it holds. */
  readonly visiting: Attempt
  readonly returning: Attempt
}

/** The server at the far end of the line, gateways here, and two devices that one of them has paired. */
async function settle(line: Line, town: FaultTown, trial: Trial): Promise<Scene> {
  const nearby = await town.server()
  const processes = [await town.gateway('home'), await town.gateway('hotel')] as const
  const watch = await town.pair(processes[0], 'watch')
  const camera = await town.pair(processes[0], 'camera')
  await Promise.all([nearby, ...processes.map(({ running }) => running)].map((running) => running.stop()))
  const far = new Machine(line.namespace)
  trial.after(() => far.close())
  const server = { host: line.far, port: PORT }
  const where = ['--listen', formatHostPort(server), '--admin', '127.0.0.1:0', '--log-level', 'error']
  await far.start('server', 'run', '--data', town.path('server'), ...where)
  const home = await town.startGateway('home', { servers: [server] })
  const hotel = await town.startGateway('hotel', { servers: [server] })
  const scene = {
    line,
    home: { gateway: home.address, credential: watch, log: home.log },
    visiting: { gateway: hotel.address, credential: watch, log: hotel.log },
    returning: {
      gateway: hotel.address,
      credential: camera,
      transientKeys: new TransientKeys(),
      log: hotel.log,
    },
  }
  await becomes('remote', scene.visiting)
  await becomes('remote', scene.returning)
  return scene
}

interface Figures {
  readonly localMs: number
  readonly remoteMs: number
  readonly remoteLongestMs: number
  readonly remote: Record<string, number>
  /** That the remote case takes more than the local one. */
  readonly roundTrips?: number
  /** From the end of the fault to the next remote authentication. */
  readonly recoveredMs?: number
}

/** All three kinds of authentication while the line is so, and the way back. */
async function endure(
  { name, shape }: Phase,
  scene: Scene,
  promises: Promises,
  { short, say }: Trial,
): Promise<Figures> {
  const { line, home, visiting, returning } = scene
  line.shape(shape)
  const loads = [home, visiting, returning].map((attempt) => new Load({ ...attempt, perS: PER_S }))
  await sleep(short ? 1500 : 15_000)
  const isCut = shape.cut !== undefined
  const [local = [], remote = [], again = []] = await Promise.all(loads.map((load) => load.stop()))
  promises.keep(
    `${name}: the local case does not notice`,
    local.every(({ result }) => result === 'local'),
    countsOf(local),
  )
  promises.keep(
    `${name}: nor does a device that comes back`,
    again.every(({ result }) => result === 'remote'),
    countsOf(again),
  )
  if (isCut)
    promises.keep(
      `${name}: refused in words, in time`,
      remote.every(({ ms, result }) => result === 'SERVER_UNREACHABLE' && ms < REFUSED_WITHIN_MS),
      { ...countsOf(remote), longestMs: longestMs(remote) },
    )
  else promises.keep(`${name}: every remote authentication succeeds`, remote.every(isSuccess), countsOf(remote))
  const roundTrips = name === 'long' ? await roundTripsOf(scene) : undefined
  line.shape({})
  const figures = {
    localMs: Math.round(medianMs(local)),
    remoteMs: Math.round(medianMs(remote)),
    remoteLongestMs: longestMs(remote),
    remote: countsOf(remote),
    ...(roundTrips !== undefined && { roundTrips }),
    ...(isCut && { recoveredMs: await recovered(visiting) }),
  }
  promises.keep(
    `${name}: recovers by itself within ${RECOVERY_MS / 1000} s`,
    (figures.recoveredMs ?? 0) <= RECOVERY_MS,
    figures.recoveredMs,
  )
  say(`${name}: ${JSON.stringify(figures)}`)
  return figures
}

/**
 * The quickest remote authentication beside the quickest local one. They are tried one after another until they are as quick as they
 * should be: a busy machine delays most of them, but none of many tries takes a second round trip away.
 */
async function roundTripsOf({ home, visiting }: Scene): Promise<number> {
  const begun = performance.now()
  let [local, remote] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  const found = () => (remote - local) / ROUND_TRIP_MS
  for (let tries = 0; tries < TRIES || found() > ROUND_TRIPS_MAX; tries++) {
    if (performance.now() - begun > TRIED_FOR_MS) break
    local = Math.min(local, await msOf(home))
    remote = Math.min(remote, await msOf(visiting))
  }
  return Math.round(found() * 100) / 100
}

async function msOf(attempt: Attempt): Promise<number> {
  const begun = performance.now()
  await outcomeOf(attempt)
  return performance.now() - begun
}

/** Milliseconds until a remote authentication succeeds again. */
async function recovered(visiting: Attempt): Promise<number> {
  const since = performance.now()
  await until(async () => (await outcomeOf(visiting)) === 'remote', 'the remote case does not recover', AT_LAST_MS)
  return Math.round(performance.now() - since)
}

function judge(figures: Record<PhaseName, Figures>, promises: Promises): Finding {
  const { good, long, lossy, cut, cutThere, cutBack } = figures
  const { roundTrips = Number.NaN } = long
  promises.keep(
    'one round trip to the server is all that a device waits for',
    roundTrips <= ROUND_TRIPS_MAX,
    roundTrips,
  )
  const says =
    `a line of ${ROUND_TRIP_MS} ms makes the remote case ${long.remoteMs} ms long, ${roundTrips.toFixed(2)} round trips more than the local case (on a good line ${good.remoteMs} ms); ` +
    `with ${LOSS * 100} % loss ${lossy.remoteMs} ms, at most ${lossy.remoteLongestMs} ms, none failed; cut: refused after ${cut.remoteLongestMs} ms at most, back ` +
    `${cut.recoveredMs} ms after the line, ${cutThere.recoveredMs} and ${cutBack.recoveredMs} ms when it was cut one way; the local case and devices that come back: none failed`
  return promises.finding(says, { roundTrips, ...figures })
}
