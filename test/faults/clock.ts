// The clocks of a server and of a gateway are wrong by minutes, and jump. Devices are authenticated all the same, or hear `busy`
// once and are then; what was recorded before serves nobody, whatever the clock says; no transient key outlives its lifetime.

import { setTimeout as sleep } from 'node:timers/promises'
import { GpskPeer } from '@opencpns/eap'
import { type Credential, TransientKeys } from '@opencpns/pne'
import { deriveGpskPsk, peerIdentity, Result } from '@opencpns/protocol'
import type { Running } from '../end-to-end/processes.ts'
import { until } from '../support/until.ts'
import { Clock } from './support/clock.ts'
import { type Fault, Promises, skipped, type Trial } from './support/fault.ts'
import { AT_LAST_MS, becomes, type FaultTown, openTown } from './support/fault-town.ts'
import { type Attempt, countsOf, Load, type Outcome, outcomeOf } from './support/load.ts'

const WRONG_S = 300
/** Further than a challenge lives. */
const JUMP_S = 600
const PER_S = 20
const LIFETIME_S = 3

export const clock: Fault = {
  name: 'clock',
  async attempt(trial) {
    const town = await openTown(trial, 'PostgreSQL')
    if (typeof town === 'string') return skipped(town)
    const serverClock = Clock.at(town.path('server.clock'))
    const gatewayClock = Clock.at(town.path('gateway.clock'))
    if (typeof serverClock === 'string') return skipped(serverClock)
    if (typeof gatewayClock === 'string') return skipped(gatewayClock)
    const promises = new Promises()
    const scene = await settle(town, serverClock, gatewayClock)
    const wrong = await serveWrong(scene, promises, trial)
    const jumps = await jump(scene, promises, trial)
    await replay(scene, promises)
    const replicas = await serveBesideOthers(scene, promises, trial)
    await outlive(scene, promises)
    const says =
      `a server ${WRONG_S / 60} minutes ahead and as many behind: ${wrong} remote authentications, all of them succeeded; jumps of ` +
      `${JUMP_S / 60} minutes: of ${jumps.remote} ${jumps.busy} were told to try again, and were authenticated then, the last of them ${jumps.lastMs} ms after a jump; ` +
      `of three replicas one ${WRONG_S / 60} minutes ahead: ${replicas} remote authentications, none failed; ` +
      'what was recorded is refused by every clock; a transient key lives as long as it should'
    return promises.finding(says, { wrong, ...jumps, replicas })
  },
}

interface Scene {
  readonly town: FaultTown
  readonly server: Running
  readonly serverClock: Clock
  readonly gatewayClock: Clock
  readonly visiting: Attempt
  readonly credential: Credential
}

async function settle(town: FaultTown, serverClock: Clock, gatewayClock: Clock): Promise<Scene> {
  const [onServer, onGateway] = [town.furtherMachine(serverClock.env), town.furtherMachine(gatewayClock.env)]
  const server = await town.server(onServer, '--transient-key-lifetime', String(LIFETIME_S))
  const home = await town.gateway('home')
  const credential = await town.pair(home, 'watch')
  await town.addGateway('hotel')
  const { address: hotel, log } = await town.startGateway('hotel', { machine: onGateway })
  const visiting = { gateway: hotel, credential, log }
  await becomes('remote', visiting)
  return { town, server, serverClock, gatewayClock, visiting, credential }
}

/** The clock of the server is wrong, and stays so. Gives how many authentications there were. */
async function serveWrong({ serverClock, visiting }: Scene, promises: Promises, trial: Trial): Promise<number> {
  let count = 0
  for (const aheadS of [WRONG_S, -WRONG_S]) {
    const setAt = performance.now()
    serverClock.set(aheadS)
    const outcomes = await loadOf(visiting, trial.short ? 15 : 100)
    trial.say(`server ${aheadS} s ahead: ${JSON.stringify(countsOf(outcomes))}`)
    judge(outcomes, setAt, promises, 'a server whose clock is wrong')
    count += outcomes.length
  }
  serverClock.set(0)
  return count
}

/** The clock of the server jumps under load, then that of the gateway. */
async function jump({ serverClock, gatewayClock, visiting }: Scene, promises: Promises, { short, say }: Trial) {
  const sum = { remote: 0, busy: 0, lastMs: 0 }
  for (const [who, clock] of [
    ['server', serverClock],
    ['gateway', gatewayClock],
  ] as const) {
    for (const aheadS of [JUMP_S, 0, -JUMP_S, 0]) {
      const load = new Load({
        ...visiting,
        perS: PER_S,
        asksAgain: true,
      })
      await seen(load, 3)
      const jumpedAt = performance.now()
      clock.set(aheadS)
      await seen(load, short ? 6 : 50, jumpedAt)
      const outcomes = await load.stop()
      say(`${who} jumps to ${aheadS} s: ${JSON.stringify(countsOf(outcomes))}`)
      const busy = judge(outcomes, jumpedAt, promises, `a ${who} whose clock jumps`)
      sum.remote += outcomes.length
      sum.busy += busy.length
      sum.lastMs = Math.max(sum.lastMs, ...busy.map(({ at }) => Math.round(at - jumpedAt)))
    }
  }
  return sum
}

/**
 * Whoever is told to try again is authenticated then. At the first of them its gateway forgets what it had of the old time: nobody
 * who comes later is told so. Gives those who were.
 * @param since when the clock was set, by `performance.now()`
 */
function judge(outcomes: readonly Outcome[], since: number, promises: Promises, who: string): readonly Outcome[] {
  const failed = outcomes.filter(({ result }) => result !== 'remote')
  promises.keep(
    `${who}: a device is told to try again, and no worse`,
    failed.every(({ result }) => result === 'BUSY'),
    countsOf(outcomes),
  )
  promises.keep(
    `${who}: it is authenticated when it does`,
    failed.every(({ again }) => again?.result === 'remote'),
    failed.map(({ again }) => again?.result),
  )
  const late = failed.filter(({ began }) => began > since)
  const forgottenAt = late.reduce(
    (first, { again }) => Math.min(first, again?.began ?? first),
    Number.POSITIVE_INFINITY,
  )
  promises.keep(
    `${who}: nobody who comes after the first of them is told so`,
    late.every(({ began }) => began <= forgottenAt),
  )
  return failed
}

/** What went over the link between gateway and server is recorded, and comes again. */
async function replay({ town, serverClock, credential }: Scene, promises: Promises): Promise<void> {
  const gateway = await town.linkedGateway('cafe')
  const other = await town.linkedGateway('rogue')
  const { secondSeed } = credential
  const challenge = await gateway.challenge()
  const recorded = { secondSeed, challenge, eap: gpsk2(credential, challenge) }
  const { result } = await gateway.forward(recorded)
  promises.keep('what is recorded was good once', result === Result.success)
  for (const aheadS of [0, JUMP_S, -JUMP_S]) {
    serverClock.set(aheadS)
    const elsewhere = await other.forward(recorded)
    promises.keep('another gateway gets nothing for it', elsewhere.result === Result.challengeRefused)
    const fresh = await gateway.forward({ ...recorded, challenge: await gateway.challenge() })
    promises.keep('it answers no other challenge', fresh.result === Result.authenticationFailed)
    if (aheadS === 0) continue
    const late = await gateway.forward(recorded)
    promises.keep('a challenge that is too old or too new is refused', late.result === Result.challengeRefused)
  }
  serverClock.set(0)
}

/** GPSK-2 of this device. */
function gpsk2({ secondSeed, realm, euKey }: Credential, challenge: Uint8Array): Uint8Array {
  const peer = new GpskPeer({ idPeer: peerIdentity(secondSeed, realm), psk: deriveGpskPsk(euKey) })
  const step = peer.receive(challenge, Date.now())
  if (step.do !== 'send') throw new Error('this is no GPSK-1')
  return step.packet
}

/** A device that never forgets its transient key comes back while the clock of the gateway is set back again and again. */
async function outlive({ server, gatewayClock, visiting }: Scene, promises: Promises): Promise<void> {
  let device = visiting
  const returns = async () => {
    device = { ...visiting, transientKeys: new TransientKeys({ now: () => 0 }) }
    const since = performance.now()
    promises.keep('the device is authenticated', (await outcomeOf(device)) === 'remote')
    process.kill(server.pid, 'SIGSTOP')
    const result = await outcomeOf(device)
    const isInTime = performance.now() - since < LIFETIME_S * 1000
    if (isInTime) promises.keep('with its transient key it needs no server', result === 'remote')
    else process.kill(server.pid, 'SIGCONT') // on a slow machine: once more
    return isInTime
  }
  try {
    await until(returns, 'no transient key is tried within its lifetime', AT_LAST_MS)
  } finally {
    await server.stop('SIGKILL')
  }
  gatewayClock.set(-JUMP_S)
  await sleep(LIFETIME_S * 1000 + 500)
  promises.keep('no transient key outlives its lifetime', (await outcomeOf(device)) === 'SERVER_UNREACHABLE')
  gatewayClock.set(0)
}

/** Of three replicas one is ahead: what it issues and what it refuses is settled by the others. Gives how many authentications there were. */
async function serveBesideOthers(scene: Scene, promises: Promises, trial: Trial): Promise<number> {
  const { town, serverClock, visiting } = scene
  serverClock.set(WRONG_S)
  const others = [await town.replica('second'), await town.replica('third')]
  const servers = [town.serverAt, ...others.map(({ address }) => address)]
  await town.addGateway('lobby')
  const lobby = await town.startGateway('lobby', { servers })
  const inLobby = { ...visiting, gateway: lobby.address, log: lobby.log }
  await becomes('remote', inLobby)
  const areReached = () => servers.every((server) => town.isConnected(lobby, server, 0))
  await until(areReached, 'the lobby does not reach every server', AT_LAST_MS)
  const outcomes = await loadOf(inLobby, trial.short ? 20 : 200)
  const counts = countsOf(outcomes)
  trial.say(`one replica of three ${WRONG_S} s ahead: ${JSON.stringify(counts)}`)
  promises.keep('one replica with a wrong clock is in nobody’s way', counts['remote'] === outcomes.length, counts)
  serverClock.set(0)
  return outcomes.length
}

/** So many authentications, of devices that ask again where they are told to. */
async function loadOf(attempt: Attempt, count: number): Promise<readonly Outcome[]> {
  const load = new Load({ ...attempt, perS: PER_S, asksAgain: true })
  await seen(load, count)
  return load.stop()
}

/** Until so many have been authenticated, or not, that began after `since`. */
async function seen(load: Load, count: number, since = 0): Promise<void> {
  const isSeen = () => load.outcomes.filter(({ began }) => began > since).length >= count
  await until(isSeen, 'devices come, and nothing becomes of them', AT_LAST_MS)
}
