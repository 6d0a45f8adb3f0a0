// kill -9 of one of three replicas every 2 s, and back again, while devices are authenticated in the remote case: none of them
// notices more than a delay.

import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { type Fault, Promises, skipped } from './support/fault.ts'
import { openTown, type ServerProcess } from './support/fault-town.ts'
import { countsOf, Load, longestMs, medianMs, outcomeOf, withinMs } from './support/load.ts'
import { Mortal } from './support/mortal.ts'

const REPLICAS = 3
const KILL_EVERY_MS = 2000
const PER_S = 15

export const replicaKill: Fault = {
  name: 'replica-kill',
  async attempt(trial) {
    const { short, say } = trial
    const town = await openTown(trial, 'PostgreSQL')
    if (typeof town === 'string') return skipped(town)
    const replicas = [await town.firstServer()]
    while (replicas.length < REPLICAS) replicas.push(await town.replica(`server-${replicas.length + 1}`))
    for (const name of ['home', 'hotel']) await town.town.addGateway(name)
    const servers = replicas.map(({ address }) => address)
    const home = await town.startGateway('home', { servers })
    const { address: hotel } = await town.startGateway('hotel', { servers })
    const visiting = { gateway: hotel, credential: await town.pair(home, 'watch') }
    await until(async () => (await outcomeOf(visiting)) === 'remote', 'the hotel reaches no server', 15_000)
    say('settled')

    const load = new Load({ ...visiting, perS: PER_S })
    trial.after(() => load.stop())
    const kills = await killInTurn(replicas, short ? 3 : 30)
    const outcomes = await load.stop()

    const promises = new Promises()
    const counts = countsOf(outcomes)
    promises.keep('no authentication fails', counts['remote'] === outcomes.length)
    say(JSON.stringify(counts))
    const [typicalMs, lateMs, slowestMs] = [
      Math.round(medianMs(outcomes)),
      withinMs(outcomes, 0.99),
      longestMs(outcomes),
    ]
    const says =
      `${outcomes.length} remote authentications while one of ${REPLICAS} replicas was killed every ${KILL_EVERY_MS / 1000} s, ${kills} times: none failed; half within ` +
      `${typicalMs} ms, 99 % within ${lateMs} ms, the longest ${slowestMs} ms`
    return promises.finding(says, {
      authentications: outcomes.length,
      kills,
      typicalMs,
      lateMs,
      longestMs: slowestMs,
      ...counts,
    })
  },
}

/** Kills one every 2 s; it comes back at once, as a service manager would have it. Gives how often. */
async function killInTurn(replicas: readonly ServerProcess[], times: number): Promise<number> {
  const mortals = replicas.map(({ running, again }) => new Mortal(running, again))
  for (let time = 0; time < times; time++) {
    const next = sleep(KILL_EVERY_MS)
    const mortal = mortals[Math.floor(Math.random() * mortals.length)] as Mortal
    await mortal.killWithin(0)
    await Promise.all([mortal.revive(), next])
  }
  return times
}
