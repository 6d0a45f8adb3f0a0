// The clocks of a server and of a gateway are wrong by minutes, and jump. Devices are authenticated all the same, or hear `busy`
// once and are then; what was recorded before serves nobody, whatever the clock says; no transient key outlives its lifetime.

import { setTimeout as sleep } from 'node:timers/promises'
import { GpskPeer } from '@opencpns/eap'
import { type Credential, TransientKeys } from '@opencpns/pne'
import { deriveGpskPsk, peerIdentity, Result } from '@opencpns/protocol'
import { Machine, type Running } from '../end-to-end/processes.ts'
import { until } from '../support/until.ts'
import { Clock } from './support/clock.ts'
import { type Fault, Promises, skipped, type Trial } from './support/fault.ts'
import { type FaultTown, openTown } from './support/fault-town.ts'
import { type Attempt, countsOf, Load, outcomeOf } from './support/load.ts'

const WRONG_S = 300
/** Further than a challenge lives. */
const JUMP_S = 600
const PER_S = 20
const LIFETIME_S = 3
const RECOVERY_MS = 1000

export const clock: Fault = {
  name: 'clock',
  async attempt(trial) {
    const town = await openTown(trial)
    if (typeof town === 'string') return skipped(town)
    const serverClock = Clock.at(town.path('server.clock'))
    const gatewayClock = Clock.at(town.path('gateway.clock'))
    if (typeof serverClock === 'string') return skipped(serverClock)
    if (typeof gatewayClock === 'string') return skipped(gatewayClock)
    const promises = new Promises()
    const scene = await settle(town, serverClock, gatewayClock, trial)
    const wrong = await serveWrong(scene, promises, trial)
    const jumps = await jump(scene, promises, trial)
    await replay(scene, promises)
    await outlive(scene, promises)
    const replicas = await serveBesideWrong(trial, promises)
    const says =
      `a server ${WRONG_S / 60} minutes ahead and as many behind: ${wrong} remote authentications, none failed; jumps of ` +
      `${JUMP_S / 60} minutes: of ${jumps.remote} ${jumps.busy} were told to try again, the last of them ${jumps.recoveredMs} ms after a jump; ` +
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

async function settle(town: FaultTown, serverClock: Clock, gatewayClock: Clock, { after }: Trial): Promise<Scene> {
  const onServer = new Machine(undefined, serverClock.env)
  const onGateway = new Machine(undefined, gatewayClock.env)
  after(() => Promise.all([onServer.close(), onGateway.close()]))
  const server = await town.server(onServer, '--transient-key-lifetime', String(LIFETIME_S))
  const home = await town.gateway('home')
  const credential = await town.pair(home, 'watch')
  await town.town.addGateway('hotel')
  const { address: hotel } = await town.startGateway('hotel', { machine: onGateway })
  const visiting = { gateway: hotel, credential }
  await until(async () => (await outcomeOf(visiting)) === 'remote', 'the hotel does not reach the server', 15_000)
  return { town, server, serverClock, gatewayClock, visiting, credential }
}

/** The clock of the server is wrong, and stays so. Gives how many authentications there were. */
async function serveWrong(
  { serverClock, visiting }: Scene,
  promises: Promises,
  { short, say }: Trial,
): Promise<number> {
  let count = 0
  for (const aheadS of [WRONG_S, -WRONG_S]) {
    serverClock.set(aheadS)
    await sleep(1500) // what it said by the clock of before is old by now
    await until(async () => (await outcomeOf(visiting)) === 'remote', 'no recovery')
    const outcomes = await loadFor(visiting, short ? 1500 : 10_000)
    const counts = countsOf(outcomes)
    say(`server ${aheadS} s ahead: ${JSON.stringify(counts)}`)
    promises.keep('a server whose clock is wrong authenticates', counts['remote'] === outcomes.length)
    count += outcomes.length
  }
  serverClock.set(0)
  return count
}

/** The clock of the server jumps under load, then that of the gateway. */
async function jump({ serverClock, gatewayClock, visiting }: Scene, promises: Promises, { short, say }: Trial) {
  const sum = { remote: 0, busy: 0, recoveredMs: 0 }
  for (const [who, clock] of [
    ['server', serverClock],
    ['gateway', gatewayClock],
  ] as const) {
    for (const aheadS of [JUMP_S, 0, -JUMP_S, 0]) {
      const load = new Load({ gateway: visiting.gateway, credential: visiting.credential, perS: PER_S })
      await sleep(500)
      clock.set(aheadS)
      const jumpedAt = performance.now()
      await sleep(short ? 800 : 5000)
      const outcomes = await load.stop()
      const counts = countsOf(outcomes)
      const failed = outcomes.filter(({ result }) => result !== 'remote')
      say(`${who} jumps to ${aheadS} s: ${JSON.stringify(counts)}`)
      promises.keep(
        `after a jump of the ${who} a device is told to try again, and no worse`,
        failed.every(({ result }) => result === 'BUSY'),
      )
      const lastMs = failed.reduce((last, { at }) => Math.max(last, at - jumpedAt), 0)
      promises.keep(`it can within ${RECOVERY_MS} ms`, lastMs < RECOVERY_MS)
      sum.remote += outcomes.length
      sum.busy += failed.length
      sum.recoveredMs = Math.max(sum.recoveredMs, Math.round(lastMs))
    }
  }
  return sum
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
  const device = { ...visiting, transientKeys: new TransientKeys({ now: () => 0 }) }
  promises.keep('the device has a transient key', (await outcomeOf(device)) === 'remote')
  await server.stop()
  promises.keep('it serves without the server', (await outcomeOf(device)) === 'remote')
  gatewayClock.set(-JUMP_S)
  await sleep(LIFETIME_S * 1000 + 500)
  promises.keep('no transient key outlives its lifetime', (await outcomeOf(device)) === 'SERVER_UNREACHABLE')
  gatewayClock.set(0)
}

/** Of three replicas one is ahead: what it issues and what it refuses is settled by the others. Gives how many authentications there were. */
async function serveBesideWrong(trial: Trial, promises: Promises): Promise<number> {
  const town = await openTown(trial, 'PostgreSQL')
  if (typeof town === 'string') return 0
  const wrong = Clock.at(town.path('wrong.clock'))
  if (typeof wrong === 'string') return 0
  wrong.set(WRONG_S)
  const replicas = [await town.firstServer(), await town.replica('second'), await town.replica('ahead', wrong.env)]
  for (const name of ['home', 'hotel']) await town.town.addGateway(name)
  const servers = replicas.map(({ address }) => address)
  const home = await town.startGateway('home', { servers })
  const { address: hotel } = await town.startGateway('hotel', { servers })
  const visiting = { gateway: hotel, credential: await town.pair(home, 'watch') }
  await until(async () => (await outcomeOf(visiting)) === 'remote', 'the hotel reaches no server', 15_000)
  const outcomes = await loadFor(visiting, trial.short ? 2000 : 20_000)
  const counts = countsOf(outcomes)
  trial.say(`one replica of three ${WRONG_S} s ahead: ${JSON.stringify(counts)}`)
  promises.keep('one replica with a wrong clock is in nobody’s way', counts['remote'] === outcomes.length)
  return outcomes.length
}

async function loadFor(attempt: Attempt, ms: number) {
  const load = new Load({ ...attempt, perS: PER_S })
  await sleep(ms)
  return load.stop()
}
