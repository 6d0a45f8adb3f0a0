// What 50 operators who watch everything cost a server that does nothing but authenticate: `watchers` is its rate with them,
// over the rate without any, in turns. The watchers are in a process of their own; rates are per second of processor time.

import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdminDoor, Totals } from '@opencpns/server'
import { type Bench, type BenchOptions, compared, type Figure, median, plain } from './figures.ts'
import { Inventory } from './inventory.ts'

const WATCHERS = 50

export const watchers: Bench = {
  names: ['unwatched', 'watchers'],
  async run({ quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const inventory = await Inventory.open(join(folder, 'server'))
    const door = adminDoor(inventory)
    const { url } = await door.listen()
    const crowd = new Crowd(`${url}/v1/stream`)
    try {
      const [alone, watched] = await inTurn(inventory, crowd, quick ? { rounds: 5, ms: 300 } : { rounds: 15, ms: 1500 })
      say(`${WATCHERS} watchers were told ${crowd.octets.toLocaleString('en-US')} octets in all`)
      const to = { value: alone, to: 'unwatched' }
      return {
        unwatched: plain(alone, 'requests/s'),
        watchers: compared(watched, 'requests/s', to, { atLeast: 0.9 }),
      }
    } finally {
      crowd.close()
      await door.close()
      await inventory.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function inTurn(inventory: Inventory, crowd: Crowd, { rounds, ms }: { rounds: number; ms: number }) {
  const alone: number[] = []
  const watched: number[] = []
  for (let round = 0; round < rounds; round++) {
    await crowd.open(0)
    alone.push(...(await inventory.rates({ rounds: 1, ms })))
    await crowd.open(WATCHERS)
    watched.push(...(await inventory.rates({ rounds: 1, ms })))
  }
  return [median(alone), median(watched)] as const
}

function adminDoor({ registry, store, seen }: Inventory) {
  const gateways = { count: 1, connectedSince: () => undefined, makeTicket: unasked, askToRotate: unasked }
  const watch = { ...seen, totals: new Totals(store, async () => 1), gateways }
  return createAdminDoor({ registry, events: seen.events, watch, token })
}

const token = randomBytes(32).toString('base64url')

function unasked(): never {
  throw new Error('nobody asks for this')
}

/** Watchers in a process of their own. */
class Crowd {
  readonly #child: ChildProcess
  octets = 0

  constructor(url: string) {
    const script = new URL('watchers-crowd.ts', import.meta.url)
    this.#child = fork(script, [url, token])
  }

  /** So many watch from now on. */
  async open(count: number): Promise<void> {
    this.#child.send(count)
    const [octets] = await once(this.#child, 'message')
    this.octets = octets
  }

  close(): void {
    this.#child.kill()
  }
}
