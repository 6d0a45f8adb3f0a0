// A million PNEs in each store, beside a thousand: what an authentication costs of a PNE that may be any of them, at a server that
// has seen them all before (over PostgreSQL it remembers a million keys). Besides, what it costs of one that the server has not seen
// before (`unseen`), what a look-up in the store costs by itself, how long it takes to import and to open, what memory a server process
// needs more, and how many octets of the database a PNE with a name takes. With --quick it is twenty thousand.

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Postgres, startPostgres } from '../test/support/postgres.ts'
import { type Bench, compared, type Figure, median } from './figures.ts'
import { Inventory, measureServer, REQUESTS } from './inventory.ts'

interface Plan {
  readonly pnes: number
  /** Made beforehand, of PNEs at random. */
  readonly requests: number
  readonly rounds: number
  /** Look-ups before the first round, and authentications. */
  readonly warmUp: number
  readonly warmUpMs: number
}

const QUICK: Plan = { pnes: 20_000, requests: 6000, rounds: 7, warmUp: 20_000, warmUpMs: 800 }
const FULL: Plan = { pnes: 1_000_000, requests: 30_000, rounds: 75, warmUp: 200_000, warmUpMs: 3000 }
/** Look-ups of one round, each of a PNE at random. */
const LOOK_UPS = 4000
/** Short: what else the machine does hits both alike. */
const ROUND_MS = 200
const AT_ONCE = 64
const AT_MOST = 1.15

export const million: Bench = {
  names: ['million', 'million-sqlite', 'million-postgres'],
  async run({ wanted, quick, say }): Promise<Record<string, Figure>> {
    const kinds = (['sqlite', 'postgres'] as const).filter(
      (kind) => wanted.includes('million') || wanted.includes(`million-${kind}`),
    )
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const plan = quick ? QUICK : FULL
    const figures: Record<string, Figure> = {}
    const cluster = kinds.includes('postgres') ? await startPostgres({ shared_buffers: '256MB' }) : undefined
    try {
      for (const kind of kinds) {
        say(`importing ${plan.pnes.toLocaleString('en-US')} PNEs into ${kind}`)
        const place = new Place(join(folder, kind), plan, kind === 'postgres' ? cluster : undefined)
        figures[`million-${kind}`] = await place.measure()
      }
      return wanted.includes('million') ? { ...figures, million: worst(figures) } : figures
    } finally {
      await cluster?.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** That of the store for which a million matter most. */
function worst(figures: Readonly<Record<string, Figure>>): Figure {
  const [name, figure] = Object.entries(figures).reduce((one, other) =>
    (other[1].ratio ?? 0) > (one[1].ratio ?? 0) ? other : one,
  )
  return { ...figure, of: name }
}

/** Where the two inventories of a store are. */
class Place {
  readonly #folder: string
  readonly #plan: Plan
  readonly #cluster: Postgres | undefined

  constructor(folder: string, plan: Plan, cluster: Postgres | undefined) {
    this.#folder = folder
    this.#plan = plan
    this.#cluster = cluster
  }

  async measure(): Promise<Figure> {
    const { pnes, requests, rounds, warmUp, warmUpMs } = this.#plan
    const few = { dir: `${this.#folder}-few`, store: await this.#cluster?.createDatabase() }
    const many = { dir: `${this.#folder}-many`, store: await this.#cluster?.createDatabase() }
    const [small, large] = [await this.#fill(few, REQUESTS), await this.#fill(many, pnes)]
    const [auth, unseen, lookUp]: [[number, number][], [number, number][], [number, number][]] = [[], [], []]
    await lookUpUs(small, REQUESTS, warmUp)
    await lookUpUs(large, pnes, warmUp)
    await small.rate(warmUpMs, AT_ONCE)
    for (let done = 0; done < requests; done += REQUESTS) {
      unseen.push([1e6 / (await small.rate(1, AT_ONCE)), 1e6 / (await large.rate(1, AT_ONCE))])
    }
    await large.seeAll(pnes)
    await large.rate(warmUpMs, AT_ONCE)
    for (let round = 0; round < rounds; round++) {
      auth.push([1e6 / (await small.rate(ROUND_MS, AT_ONCE)), 1e6 / (await large.rate(ROUND_MS, AT_ONCE))])
      lookUp.push([await lookUpUs(small, REQUESTS), await lookUpUs(large, pnes)])
    }
    await Promise.all([small.close(), large.close()])
    const [lean, full] = [await measureServer(few.dir, few.store), await measureServer(many.dir, many.store)]
    const octets = (await this.#octets(many)) - (await this.#octets(few))
    const [value, ratio] = [inTheMiddle(auth), ratioOf(auth)]
    return {
      ...compared(value, 'µs', { value: value / ratio, to: `${REQUESTS} PNEs` }, { atMost: AT_MOST }),
      pnes,
      importS: rounded(large.importS),
      openMs: rounded(full.openMs),
      memoryMoreMiB: rounded(full.memoryMiB - lean.memoryMiB),
      mappedMoreMiB: rounded(full.mappedMiB - lean.mappedMiB),
      octetsPerPne: Math.round(octets / (pnes - REQUESTS)),
      unseenUs: rounded(inTheMiddle(unseen)),
      unseenRatio: rounded(ratioOf(unseen)),
      lookUpUs: rounded(inTheMiddle(lookUp)),
      lookUpRatio: rounded(ratioOf(lookUp)),
    }
  }

  async #fill({ dir, store }: { dir: string; store: string | undefined }, pnes: number): Promise<Inventory> {
    const inventory = await Inventory.open(dir, { pnes, store, requests: this.#plan.requests })
    if (store !== undefined) await this.#cluster?.sql(databaseOf(store), 'VACUUM ANALYZE')
    return inventory
  }

  async #octets({ dir, store }: { dir: string; store: string | undefined }): Promise<number> {
    if (this.#cluster === undefined || store === undefined) return (await stat(join(dir, 'cpns.db'))).size
    const [row] = await this.#cluster.sql(databaseOf(store), 'SELECT pg_database_size(current_database()) AS size')
    return Number(row?.['size'])
  }
}

/** Time of a look-up in the store, {@link AT_ONCE} at a time, each of any of so many PNEs. */
async function lookUpUs(inventory: Inventory, pnes: number, count = LOOK_UPS): Promise<number> {
  const seeds = Array.from({ length: count }, () => inventory.seedOf(Math.floor(Math.random() * pnes)))
  const begun = performance.now()
  for (let at = 0; at < count; at += AT_ONCE) {
    const some = seeds.slice(at, at + AT_ONCE)
    const found = await Promise.all(some.map((seed) => inventory.store.findPneBySecondSeed(seed)))
    if (found.includes(undefined)) throw new Error('a PNE was not found')
  }
  return ((performance.now() - begun) * 1000) / count
}

/** Of rounds with the few and with the many, the many. */
function inTheMiddle(rounds: readonly (readonly [number, number])[]): number {
  return median(rounds.map(([, many]) => many))
}

/** Of each round by itself: a round is so short that both are in the same mood of the machine. */
function ratioOf(rounds: readonly (readonly [number, number])[]): number {
  return median(rounds.map(([few, many]) => many / few))
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
