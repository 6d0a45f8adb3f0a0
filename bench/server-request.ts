// One remote Authentication Request at the server without the network: decode, look-up, EUKey, GPSK-2 verified, TK, GPSK-3,
// encode. `server-request` has an inventory of 1,000 PNEs, `server-100k` of 100,000, with --quick of 30,000; both on SQLite files, as
// in production. Rates are per second of processor time. Memory is that of a server process of its own on each inventory.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, bounded, compared, type Figure, median } from './figures.ts'
import { Inventory, measureServer, REQUESTS } from './inventory.ts'

const PNES = { quick: 30_000, full: 100_000 }

export const serverRequest: Bench = {
  names: ['server-request', 'server-100k'],
  async run({ wanted, quick, say }): Promise<Record<string, Figure>> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const rounds = quick ? { rounds: 5, ms: 300 } : { rounds: 15, ms: 1500 }
    try {
      const small = await Inventory.open(join(folder, 'small'), { pnes: REQUESTS })
      if (!wanted.includes('server-100k')) {
        const rates = await small.rates(rounds)
        await small.close()
        return { 'server-request': requestFigure(median(rates)) }
      }
      const pnes = quick ? PNES.quick : PNES.full
      say(`importing ${pnes.toLocaleString('en-US')} PNEs`)
      const large = await Inventory.open(join(folder, 'large'), { pnes })
      const [few, many] = await inTurn(small, large, rounds)
      await large.close()
      await small.close()
      const [before, after] = [await measureServer(join(folder, 'small')), await measureServer(join(folder, 'large'))]
      const memory = after.memoryMiB - before.memoryMiB
      return figuresOf({ few, many, memory, pnes })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

function requestFigure(rate: number): Figure {
  return bounded(rate, 'requests/s', { atLeast: 20_000 })
}

function figuresOf({
  few,
  many,
  memory,
  pnes,
}: Record<'few' | 'many' | 'memory' | 'pnes', number>): Record<string, Figure> {
  const time = compared(1e6 / many, 'µs', { value: 1e6 / few, to: 'server-request' }, { atMost: 1.1 })
  return {
    'server-request': requestFigure(few),
    'server-100k': {
      ...time,
      goal: `${time.goal}, memory ≤ 30 MiB`,
      ok: time.ok && memory <= 30,
      memoryMiB: Math.round(memory * 10) / 10,
      pnes,
    },
  }
}

async function inTurn(small: Inventory, large: Inventory, { rounds, ms }: { rounds: number; ms: number }) {
  const few: number[] = []
  const many: number[] = []
  for (let round = 0; round < rounds; round++) {
    few.push(...(await small.rates({ rounds: 1, ms })))
    many.push(...(await large.rates({ rounds: 1, ms })))
  }
  return [median(few), median(many)] as const
}
