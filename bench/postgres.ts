// Authentications on PostgreSQL beside the same on SQLite, both with all that a server has behind its doors. `postgres` asks for
// PNEs that the server has seen before: they are in its memory. `postgres-cold` asks the database each time, many at once, as the
// look-ups of a busy server go: then the database's own processor time is not in the figure.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@opencpns/server'
import { startPostgres } from '../test/support/postgres.ts'
import { type Bench, compared, type Figure, median, plain } from './figures.ts'
import { Inventory } from './inventory.ts'

const AT_ONCE = 256

export const postgres: Bench = {
  names: ['postgres', 'postgres-cold'],
  async run({ quick, say }): Promise<Record<string, Figure>> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    say('starting PostgreSQL')
    const cluster = await startPostgres()
    try {
      const sqlite = await Inventory.open(join(folder, 'sqlite'))
      const shared = await Inventory.open(join(folder, 'postgres'), { store: await cluster.createDatabase() })
      const [rounds, ms] = quick ? [5, 300] : [11, 1000]
      const [few, many]: [number[], number[]] = [[], []]
      for (let round = 0; round < rounds; round++) {
        few.push(...(await sqlite.rates({ rounds: 1, ms })))
        many.push(...(await shared.rates({ rounds: 1, ms })))
      }
      const cold = median(await inRounds(rounds, () => lookUps(shared.store, ms)))
      await shared.close()
      await sqlite.close()
      const other = { value: median(few), to: 'postgres-sqlite' }
      return {
        'postgres-sqlite': plain(other.value, 'requests/s'),
        postgres: compared(median(many), 'requests/s', other, { atLeast: 0.8 }),
        'postgres-cold': plain(cold, 'look-ups/s'),
      }
    } finally {
      await cluster.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function inRounds(rounds: number, act: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let round = 0; round < rounds; round++) values.push(await act())
  return values
}

/** Look-ups of 2nd seeds a second of processor time, {@link AT_ONCE} at a time. */
async function lookUps(store: Store, ms: number): Promise<number> {
  const seeds = (await store.listPnes({}, { limit: AT_ONCE })).items.map((pne) => pne.secondSeed)
  const [begun, before] = [performance.now(), process.cpuUsage()]
  let done = 0
  for (; performance.now() - begun < ms; done += AT_ONCE) {
    await Promise.all(seeds.map((secondSeed) => store.findPneBySecondSeed(secondSeed)))
  }
  const { user, system } = process.cpuUsage(before)
  return (done / (user + system)) * 1e6
}
