// A million PNEs in each store, beside a thousand: what an authentication costs, and besides what a look-up of any PNE costs, how
// long it takes to open, what memory a server process needs more, and how many octets of the database a PNE takes. With --quick
// it is fifty thousand.

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Postgres, startPostgres } from '../test/support/postgres.ts'
import { type Bench, compared, type Figure, median } from './figures.ts'
import { Inventory, measureServer, REQUESTS, strangerSeed } from './inventory.ts'

const MANY = { quick: 50_000, full: 1_000_000 }
/** Look-ups of one round, each of another PNE. */
const LOOK_UPS = 4000
const AT_ONCE = 64
const AT_MOST = 1.15

export const million: Bench = {
  names: ['million-sqlite', 'million-postgres'],
  async run({ wanted, quick, say }): Promise<Record<string, Figure>> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const pnes = quick ? MANY.quick : MANY.full
    const figures: Record<string, Figure> = {}
    const cluster = wanted.includes('million-postgres') ? await startPostgres({ shared_buffers: '256MB' }) : undefined
    try {
      for (const kind of ['sqlite', 'postgres'] as const) {
        if (!wanted.includes(`million-${kind}`)) continue
        say(`importing ${pnes.toLocaleString('en-US')} PNEs into ${kind}`)
        const place = new Place(join(folder, kind), kind === 'postgres' ? cluster : undefined)
        figures[`million-${kind}`] = await place.measure(pnes, quick)
      }
      return figures
    } finally {
      await cluster?.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Where the two inventories of a store are. */
class Place {
  readonly #folder: string
  readonly #cluster: Postgres | undefined

  constructor(folder: string, cluster: Postgres | undefined) {
    this.#folder = folder
    this.#cluster = cluster
  }

  async measure(pnes: number, quick: boolean): Promise<Figure> {
    const few = { dir: `${this.#folder}-few`, store: await this.#cluster?.createDatabase() }
    const many = { dir: `${this.#folder}-many`, store: await this.#cluster?.createDatabase() }
    const small = await Inventory.open(few.dir, { pnes: 2 * REQUESTS, store: few.store })
    const begun = performance.now()
    const large = await Inventory.open(many.dir, { pnes, store: many.store })
    const importS = (performance.now() - begun) / 1000
    if (many.store !== undefined) await this.#cluster?.sql(databaseOf(many.store), 'VACUUM ANALYZE')

    const [rounds, ms] = quick ? [5, 300] : [9, 1000]
    const [auth, lookUp]: [number[][], number[][]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      auth.push([...(await small.rates({ rounds: 1, ms })), ...(await large.rates({ rounds: 1, ms }))])
      lookUp.push([await lookUpUs(small, REQUESTS), await lookUpUs(large, pnes - REQUESTS)])
    }
    await Promise.all([small.close(), large.close()])
    const column = (rows: number[][], at: number) => median(rows.map((row) => row[at] ?? Number.NaN))
    const [lean, full] = [await measureServer(few.dir, few.store), await measureServer(many.dir, many.store)]
    const octets = (await this.#octets(many)) - (await this.#octets(few))
    const other = { value: 1e6 / column(auth, 0), to: `${REQUESTS * 2} PNEs` }
    return {
      ...compared(1e6 / column(auth, 1), 'µs', other, { atMost: AT_MOST }),
      pnes,
      importS: rounded(importS),
      openMs: rounded(full.openMs),
      memoryMoreMiB: rounded(full.memoryMiB - lean.memoryMiB),
      octetsPerPne: Math.round(octets / (pnes - 2 * REQUESTS)),
      lookUpUs: rounded(column(lookUp, 1)),
      lookUpRatio: Math.round((100 * column(lookUp, 1)) / column(lookUp, 0)) / 100,
    }
  }

  async #octets({ dir, store }: { dir: string; store: string | undefined }): Promise<number> {
    if (this.#cluster === undefined || store === undefined) return (await stat(join(dir, 'cpns.db'))).size
    const [row] = await this.#cluster.sql(databaseOf(store), 'SELECT pg_database_size(current_database()) AS size')
    return Number(row?.['size'])
  }
}

/** Time of a look-up in the store, {@link AT_ONCE} at a time, each of another one of so many PNEs. */
async function lookUpUs({ store }: Inventory, pnes: number): Promise<number> {
  const seeds = Array.from({ length: LOOK_UPS }, () => strangerSeed(Math.floor(Math.random() * pnes)))
  const begun = performance.now()
  for (let at = 0; at < LOOK_UPS; at += AT_ONCE) {
    const found = await Promise.all(seeds.slice(at, at + AT_ONCE).map((seed) => store.findPneBySecondSeed(seed)))
    if (found.includes(undefined)) throw new Error('a PNE was not found')
  }
  return ((performance.now() - begun) * 1000) / LOOK_UPS
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
