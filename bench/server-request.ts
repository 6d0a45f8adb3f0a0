// One remote Authentication Request at the server without the network: decode, look-up, EUKey, GPSK-2 verified, TK, GPSK-3,
// encode. `server-request` has an inventory of 1,000 PNEs, `server-100k` of 100,000; both on SQLite files, as in production.
// Rates are per second of processor time. Memory is that of a server process of its own on each inventory.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { GpskPeer } from '@opencpns/eap'
import { silent } from '@opencpns/io'
import {
  decode,
  deriveEuKey,
  deriveGpskPsk,
  encode,
  ForwardedRequest,
  ForwardedResponse,
  peerIdentity,
  Result,
} from '@opencpns/protocol'
import {
  type AuthenticationContext,
  authenticate,
  Challenges,
  EventLog,
  initDataFolder,
  openDataFolder,
  Registry,
} from '@opencpns/server'
import { type Bench, bounded, compared, type Figure, median } from './figures.ts'

const REALM = 'example.org'
const GATEWAY = `home-gw@${REALM}`
const PNES = 100_000
/** Requests of different PNEs, so that no cache of one row makes it look better than it is. */
const REQUESTS = 1000

export const serverRequest: Bench = {
  names: ['server-request', 'server-100k'],
  async run({ wanted, quick, say }): Promise<Record<string, Figure>> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const rounds = quick ? { rounds: 7, ms: 500 } : { rounds: 15, ms: 1500 }
    try {
      const small = await Inventory.open(join(folder, 'small'), REQUESTS)
      if (!wanted.includes('server-100k')) {
        const rates = await small.rates(rounds)
        await small.close()
        return { 'server-request': requestFigure(median(rates)) }
      }
      say(`importing ${PNES.toLocaleString('en-US')} PNEs`)
      const large = await Inventory.open(join(folder, 'large'), PNES)
      const [few, many] = await inTurn(small, large, rounds)
      await large.close()
      await small.close()
      const memory = (await serverMemoryMiB(join(folder, 'large'))) - (await serverMemoryMiB(join(folder, 'small')))
      return figuresOf(few, many, memory)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

function requestFigure(rate: number): Figure {
  return bounded(rate, 'requests/s', { atLeast: 20_000 })
}

function figuresOf(few: number, many: number, memory: number): Record<string, Figure> {
  const time = compared(1e6 / many, 'µs', { value: 1e6 / few, to: 'server-request' }, { atMost: 1.1 })
  return {
    'server-request': requestFigure(few),
    'server-100k': {
      ...time,
      goal: `${time.goal}, memory ≤ 30 MiB`,
      ok: time.ok && memory <= 30,
      memoryMiB: Math.round(memory * 10) / 10,
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

/** Resident memory of a server process on this data folder, after it has looked up many PNEs. */
async function serverMemoryMiB(dataDir: string): Promise<number> {
  const script = new URL('server-memory.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, dataDir])
  return Number(stdout)
}

/** A registry with PNEs, and requests of some of them, each with a challenge and its answer. */
class Inventory {
  readonly #context: AuthenticationContext
  readonly #requests: Uint8Array[]
  readonly #close: () => Promise<void>

  private constructor(context: AuthenticationContext, requests: Uint8Array[], close: () => Promise<void>) {
    this.#context = context
    this.#requests = requests
    this.#close = close
  }

  /** @param dataDir made here, with `pnes` PNEs */
  static async open(dataDir: string, pnes: number): Promise<Inventory> {
    await initDataFolder(dataDir, { realm: REALM })
    const { store, vault } = await openDataFolder(dataDir)
    const events = new EventLog(store)
    const registry = new Registry({ store, vault, realm: REALM, events })
    await registry.addUser('alice')
    await registry.addGateway({ name: 'home-gw', user: 'alice' })
    const challenges = new Challenges(vault.challengeKey(), REALM)
    const seeds = Array.from({ length: REQUESTS }, () => randomBytes(32))
    const ours = await Promise.all(seeds.map((seed) => assigned(registry, seed)))
    await store.importPnes(strangers(pnes - REQUESTS))
    const nowS = Math.floor(Date.now() / 1000)
    const requests = ours.map((pne, id) => requestOf(pne, challenges.issue(GATEWAY, nowS), id))
    const context = { realm: REALM, registry, challenges, events, logger: silent, now: () => nowS * 1000 }
    return new Inventory(context, requests, async () => {
      registry.close()
      await events.close()
      await store.close()
    })
  }

  /** Requests a second, in each of `rounds`. @throws when one is refused: then the rate would mean nothing */
  async rates({ rounds, ms }: { rounds: number; ms: number }): Promise<number[]> {
    await this.#rate(200)
    const rates: number[] = []
    for (let round = 0; round < rounds; round++) rates.push(await this.#rate(ms))
    return rates
  }

  /** Requests in a second of processor time. */
  async #rate(ms: number): Promise<number> {
    const begun = performance.now()
    const before = process.cpuUsage()
    let done = 0
    do {
      for (const request of this.#requests) {
        const response = await authenticate(decode(request, ForwardedRequest), GATEWAY, this.#context)
        if (response.result !== Result.success) throw new Error('a request was refused')
        encode(ForwardedResponse, response)
      }
      done += this.#requests.length
      await new Promise(setImmediate)
    } while (performance.now() - begun < ms)
    const { user, system } = process.cpuUsage(before)
    return (done / (user + system)) * 1e6
  }

  close(): Promise<void> {
    return this.#close()
  }
}

interface Assigned {
  readonly secondSeed: Buffer
  readonly euKey: Buffer
}

async function assigned(registry: Registry, secondSeed: Buffer): Promise<Assigned> {
  const { firstSeed } = await registry.assignPne({ gatewayIdentity: GATEWAY, secondSeed })
  await registry.confirmPne({ gatewayIdentity: GATEWAY, secondSeed })
  return { secondSeed, euKey: deriveEuKey({ firstSeed, secondSeed, realm: REALM }) }
}

function* strangers(count: number) {
  for (let at = 0; at < count; at++) {
    const pneId = `pne-${at.toString(32).padStart(16, '0')}`
    yield { pneId, secondSeed: randomBytes(32), gateway: GATEWAY, name: null, createdAt: Date.now() }
  }
}

function requestOf({ secondSeed, euKey }: Assigned, challenge: Uint8Array, id: number): Uint8Array {
  const peer = new GpskPeer({ idPeer: peerIdentity(secondSeed, REALM), psk: deriveGpskPsk(euKey) })
  const step = peer.receive(challenge, Date.now())
  if (step.do !== 'send') throw new Error('the peer does not answer the challenge')
  return encode(ForwardedRequest, { id, secondSeed, challenge, eap: step.packet })
}
