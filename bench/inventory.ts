// A server behind its doors with PNEs in its store, as in production, and requests of some of them, each with a challenge and its
// answer: what a gateway would forward.

import { execFile } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
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
  initDataFolder,
  openCore,
  type Registry,
  type Store,
} from '@opencpns/server'

const REALM = 'example.org'
const GATEWAY = `home-gw@${REALM}`
/** Requests of different PNEs, so that no cache of one row makes it look better than it is. */
export const REQUESTS = 1000
const PAIRED_AT_ONCE = 50

type Core = Awaited<ReturnType<typeof openCore>>

interface InventoryOptions {
  /** At least {@link REQUESTS}. */
  readonly pnes?: number
  /** `sqlite`, which is the default, or the address of a PostgreSQL database. */
  readonly store?: string | undefined
}

export class Inventory {
  readonly store: Store
  readonly registry: Registry
  /** What the server sees of it. */
  readonly seen: Pick<Core, 'live' | 'events' | 'authentications'>
  readonly #context: AuthenticationContext
  readonly #requests: Uint8Array[] = []
  readonly #close: () => Promise<void>

  private constructor(of: {
    store: Store
    registry: Registry
    seen: Inventory['seen']
    context: AuthenticationContext
    close: () => Promise<void>
  }) {
    this.store = of.store
    this.registry = of.registry
    this.seen = of.seen
    this.#context = of.context
    this.#close = of.close
  }

  /** @param dataDir made here */
  static async open(dataDir: string, { pnes = REQUESTS, store: address }: InventoryOptions = {}): Promise<Inventory> {
    await initDataFolder(dataDir, { realm: REALM, store: address })
    const closers: (() => unknown)[] = []
    const core = await openCore({ dataDir, store: address, logger: silent, now: Date.now }, closers)
    const { store, vault, registry, events, live } = core
    await registry.addUser('alice')
    await registry.addGateway({ name: 'home-gw', user: 'alice' })
    const challenges = new Challenges(vault.challengeKey(), REALM)
    const nowS = Math.floor(Date.now() / 1000)
    const context = { realm: REALM, registry, challenges, events, live, logger: silent, now: () => nowS * 1000 }
    const close = async () => {
      for (const each of closers.reverse()) await each()
    }
    const inventory = new Inventory({ store, registry, seen: core, context, close })
    await inventory.#fill(pnes, challenges, nowS)
    return inventory
  }

  /** Requests a second of processor time, in each of `rounds`. @throws when one is refused: then the rate would mean nothing */
  async rates({ rounds, ms }: { rounds: number; ms: number }): Promise<number[]> {
    await this.#rate(200)
    const rates: number[] = []
    for (let round = 0; round < rounds; round++) rates.push(await this.#rate(ms))
    return rates
  }

  close(): Promise<void> {
    return this.#close()
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

  async #fill(pnes: number, challenges: Challenges, nowS: number): Promise<void> {
    const seeds = Array.from({ length: REQUESTS }, () => randomBytes(32))
    const ours: Assigned[] = []
    for (let at = 0; at < seeds.length; at += PAIRED_AT_ONCE) {
      const some = seeds.slice(at, at + PAIRED_AT_ONCE)
      ours.push(...(await Promise.all(some.map((seed) => assigned(this.registry, seed)))))
    }
    await this.store.importPnes(strangers(pnes - REQUESTS))
    for (const [id, pne] of ours.entries()) this.#requests.push(requestOf(pne, challenges.issue(GATEWAY, nowS), id))
  }
}

/** A server process of its own on this data folder: its resident memory after it has looked up many PNEs, and its time to open. */
export async function measureServer(dataDir: string, store = ''): Promise<{ memoryMiB: number; openMs: number }> {
  const script = new URL('server-memory.ts', import.meta.url).pathname
  const env = { ...process.env, OPENCPNS_STORE: store || 'sqlite' }
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, dataDir], { env })
  return JSON.parse(stdout)
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

/** The 2nd seed of one of the PNEs beyond those that requests are made of, by its number from 0. */
export function strangerSeed(at: number): Buffer {
  return hash('sha256', `stranger ${at}`, 'buffer')
}

function* strangers(count: number) {
  for (let at = 0; at < count; at++) {
    const pneId = `pne-${at.toString(32).padStart(16, '0')}`
    yield { pneId, secondSeed: strangerSeed(at), gateway: GATEWAY, name: null, createdAt: Date.now() }
  }
}

function requestOf({ secondSeed, euKey }: Assigned, challenge: Uint8Array, id: number): Uint8Array {
  const peer = new GpskPeer({ idPeer: peerIdentity(secondSeed, REALM), psk: deriveGpskPsk(euKey) })
  const step = peer.receive(challenge, Date.now())
  if (step.do !== 'send') throw new Error('the peer does not answer the challenge')
  return encode(ForwardedRequest, { id, secondSeed, challenge, eap: step.packet, sessionId: randomBytes(16) })
}
