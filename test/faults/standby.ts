// A primary with a standby that follows it, and no commit without both. The primary is killed, the standby becomes the primary, and
// a proxy of the test's own points to it, as an address that moves does. No process of ours is restarted; every assignment that
// was acknowledged is there.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Result } from '@opencpns/protocol'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { type Fault, Promises, type Trial } from './support/fault.ts'
import { AT_LAST_MS, becomes, townIn } from './support/fault-town.ts'
import { GivenUp, type LinkedGateway } from './support/linked-gateway.ts'
import { countsOf, isSuccess, Load, longestMs } from './support/load.ts'
import { MovingAddress } from './support/moving-address.ts'

const PER_S = 20
const RECOVERY_MS = 30_000

export const standby: Fault = {
  name: 'standby',
  async attempt(trial) {
    const { primary, standby, url, proxy } = await pairOfDatabases(trial)
    const town = await townIn(trial, url)
    await town.server()
    const home = await town.gateway('home')
    const { address: hotel, log } = await town.gateway('hotel')
    const visiting = { gateway: hotel, credential: await town.pair(home, 'watch'), log }
    await becomes('remote', visiting)
    const gateway = await town.linkedGateway('depot')
    trial.say('settled')

    const load = new Load({ ...visiting, perS: PER_S })
    trial.after(() => load.stop())
    const assigning = new Assigning(gateway)
    trial.after(() => assigning.stop())
    await sleep(trial.short ? 1500 : 10_000)
    await primary.kill()
    const killedAt = performance.now()
    await standby.sql('postgres', 'SELECT pg_promote()')
    proxy.target = standby.port
    const promotedMs = Math.round(performance.now() - killedAt)
    const before = assigning.acknowledged.length
    await until(() => assigning.acknowledged.length > before, 'no assignment is acknowledged any more', AT_LAST_MS)
    const recoveredMs = Math.round(performance.now() - killedAt - promotedMs)
    await sleep(1000)
    const acknowledged = await assigning.stop()
    const outcomes = await load.stop()

    const promises = new Promises()
    const works = await Promise.all(
      acknowledged.map(({ secondSeed, euKey }) => gateway.authenticate(secondSeed, euKey)),
    )
    promises.keep(
      'what was acknowledged is there',
      works.every((result) => result === Result.success),
      works.filter((result) => result !== Result.success),
    )
    promises.keep('devices that are known go on meanwhile', outcomes.every(isSuccess), countsOf(outcomes))
    promises.keep(`it recovers by itself within ${RECOVERY_MS / 1000} s`, recoveredMs <= RECOVERY_MS, recoveredMs)
    const says =
      `${acknowledged.length} assignments were acknowledged, ${before} of them by the old primary: all are there. The standby was primary after ${promotedMs} ms; the next assignment was ` +
      `acknowledged ${recoveredMs} ms later; ${outcomes.length} authentications of a known device meanwhile: none failed, the longest ${longestMs(outcomes)} ms`
    return promises.finding(says, {
      acknowledged: acknowledged.length,
      promotedMs,
      recoveredMs,
      authentications: countsOf(outcomes),
    })
  },
}

/** A primary and its standby, and a database in them behind an address that can be moved. */
async function pairOfDatabases({ after }: Trial) {
  const primary = await startPostgres()
  after(() => primary.stop())
  const url = new URL(await primary.createDatabase())
  const standby = await startPostgres({}, primary)
  after(() => standby.stop())
  await commitOnBoth(primary)
  const proxy = await MovingAddress.to(primary.port)
  after(() => proxy.close())
  url.port = String(proxy.port)
  return { primary, standby, proxy, url: url.href }
}

async function commitOnBoth(primary: Postgres): Promise<void> {
  await primary.sql('postgres', `ALTER SYSTEM SET synchronous_standby_names = 'standby'`)
  await primary.sql('postgres', 'SELECT pg_reload_conf()')
  await until(
    async () => {
      const [row] = await primary.sql('postgres', 'SELECT sync_state FROM pg_stat_replication')
      return row?.['sync_state'] === 'sync'
    },
    'the standby does not follow',
    AT_LAST_MS,
  )
}

interface Acknowledged {
  readonly secondSeed: Uint8Array
  readonly euKey: Uint8Array
}

/** Assigns and confirms keys, one after another, until it is stopped. */
class Assigning {
  readonly acknowledged: Acknowledged[] = []
  readonly #stop = new AbortController()
  readonly #over: Promise<void>

  constructor(gateway: LinkedGateway) {
    this.#over = this.#run(gateway)
  }

  async stop(): Promise<readonly Acknowledged[]> {
    this.#stop.abort()
    await this.#over
    return this.acknowledged
  }

  async #run(gateway: LinkedGateway): Promise<void> {
    const { signal } = this.#stop
    for (let number = 0; !signal.aborted; number++) {
      const secondSeed = randomBytes(32)
      try {
        const { euKey } = await gateway.assign(secondSeed, `device-${number}`, signal)
        const { result } = await gateway.confirm(secondSeed, signal)
        if (euKey && result === Result.success) this.acknowledged.push({ secondSeed, euKey })
      } catch (error) {
        if (!(error instanceof GivenUp)) throw error
      }
    }
  }
}
