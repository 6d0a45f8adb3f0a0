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
const SEEN_AT_ONCE = 500

type Core = Awaited<ReturnType<typeof openCore>>

interface InventoryOptions {
  /** At least {@link REQUESTS}. */
  readonly pnes?: number
  /** So many requests, each of any PNE; else one of each of {@link REQUESTS}. */
  readonly requests?: number | undefined
  /** `sqlite`, which is the default, or the address of a PostgreSQL database. */
  readonly store?: string | undefined
}

export class Inventory {
  readonly store: Store
  readonly registry: Registry
  /** What the server sees of it. */
  readonly seen: Pick<Core, 'live' | 'events' | 'authentications'>
  readonly #context: AuthenticationContext
  /** Time of the import, in seconds. */
  importS = 0
  readonly #seeds: Buffer[] = []
  readonly #requests: Uint8Array[] = []
  #next = 0
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
  static async open(dataDir: string, options: InventoryOptions = {}): Promise<Inventory> {
    const { pnes = REQUESTS, store: address, requests } = options
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
    await inventory.#fill({ pnes, requests }, (of, id) => requestOf(of, challenges.issue(GATEWAY, nowS), id))
    return inventory
  }

  /** Asks for each of so many PNEs once, as a server has that has served for a while. */
  async seeAll(pnes: number): Promise<void> {
    for (let at = 0; at < pnes; at += SEEN_AT_ONCE) {
      const some = Array.from({ length: Math.min(SEEN_AT_ONCE, pnes - at) }, (_, of) => this.seedOf(at + of))
      await Promise.all(some.map((seed) => this.registry.findPeer(seed)))
    }
  }

  /** The 2nd seed of a PNE, by its number from 0. */
  seedOf(number: number): Buffer {
    return this.#seeds[number] ?? strangerSeed(number - REQUESTS)
  }

  /** Requests a second of processor time, in each of `rounds`. @throws when one is refused: then the rate would mean nothing */
  async rates({ rounds, ms }: { rounds: number; ms: number }): Promise<number[]> {
    await this.rate(200)
    const rates: number[] = []
    for (let round = 0; round < rounds; round++) rates.push(await this.rate(ms))
    return rates
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** Requests in a second of processor time, so many at once; {@link REQUESTS} of them, or as many times that as fit in the time. */
  async rate(ms: number, atOnce = 1): Promise<number> {
    const begun = performance.now()
    const before = process.cpuUsage()
    let done = 0
    for (; performance.now() - begun < ms; done += REQUESTS) {
      for (let some = 0; some < REQUESTS; some += atOnce) {
        if (atOnce === 1) await this.#ask()
        else await Promise.all(Array.from({ length: Math.min(atOnce, REQUESTS - some) }, () => this.#ask()))
      }
      await new Promise(setImmediate)
    }
    const { user, system } = process.cpuUsage(before)
    return (done / (user + system)) * 1e6
  }

  async #ask(): Promise<void> {
    const request = this.#requests[this.#next++ % this.#requests.length] as Uint8Array
    const response = await authenticate(decode(request, ForwardedRequest), GATEWAY, this.#context)
    if (response.result !== Result.success) throw new Error('a request was refused')
    encode(ForwardedResponse, response)
  }

  async #fill(
    { pnes, requests }: { pnes: number; requests: number | undefined },
    request: (of: Assigned, id: number) => Uint8Array,
  ): Promise<void> {
    const ours: Assigned[] = []
    this.#seeds.push(...Array.from({ length: REQUESTS }, () => randomBytes(32)))
    for (let at = 0; at < REQUESTS; at += PAIRED_AT_ONCE) {
      const some = this.#seeds.slice(at, at + PAIRED_AT_ONCE)
      ours.push(...(await Promise.all(some.map((seed) => assigned(this.registry, seed)))))
    }
    const begun = performance.now()
    await this.store.importPnes(strangers(pnes - REQUESTS))
    this.importS = (performance.now() - begun) / 1000
    if (requests === undefined) this.#requests.push(...ours.map(request))
    for (let id = 0; id < (requests ?? 0); id++) {
      const secondSeed = this.seedOf(Math.floor(Math.random() * pnes))
      this.#requests.push(request(keyed(ours[0]?.firstSeed ?? Buffer.of(), secondSeed), id))
    }
  }
}

interface ServerMeasures {
  /** Resident, without what is in `mappedMiB`. */
  readonly memoryMiB: number
  /** Of files that are mapped, the program's own among them: the operating system takes it back when it needs it. */
  readonly mappedMiB: number
  readonly openMs: number
}

/** A server process of its own on this data folder: its memory after it has looked up many PNEs, and its time to open. */
export async function measureServer(dataDir: string, store = ''): Promise<ServerMeasures> {
  const script = new URL('server-memory.ts', import.meta.url).pathname
  const env = { ...process.env, OPENCPNS_STORE: store || 'sqlite' }
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, dataDir], { env })
  return JSON.parse(stdout)
}

interface Assigned {
  readonly firstSeed: Uint8Array
  readonly secondSeed: Buffer
  readonly euKey: Buffer
}

async function assigned(registry: Registry, secondSeed: Buffer): Promise<Assigned> {
  const { firstSeed } = await registry.assignPne({ gatewayIdentity: GATEWAY, secondSeed })
  await registry.confirmPne({ gatewayIdentity: GATEWAY, secondSeed })
  return keyed(firstSeed, secondSeed)
}

/** All PNEs are of one user: the 1st seed of one is that of all. */
function keyed(firstSeed: Uint8Array, secondSeed: Buffer): Assigned {
  return { firstSeed, secondSeed, euKey: deriveEuKey({ firstSeed, secondSeed, realm: REALM }) }
}

/** The 2nd seed of one of the PNEs beyond those that requests are made of, by its number from 0. */
function strangerSeed(at: number): Buffer {
  return hash('sha256', `stranger ${at}`, 'buffer')
}

function* strangers(count: number) {
  for (let at = 0; at < count; at++) {
    const pneId = `pne-${at.toString(32).padStart(16, '0')}`
    yield { pneId, secondSeed: strangerSeed(at), gateway: GATEWAY, name: `lamp ${at}`, createdAt: Date.now() }
  }
}

function requestOf({ secondSeed, euKey }: Assigned, challenge: Uint8Array, id: number): Uint8Array {
  const peer = new GpskPeer({ idPeer: peerIdentity(secondSeed, REALM), psk: deriveGpskPsk(euKey) })
  const step = peer.receive(challenge, Date.now())
  if (step.do !== 'send') throw new Error('the peer does not answer the challenge')
  return encode(ForwardedRequest, { id, secondSeed, challenge, eap: step.packet, sessionId: randomBytes(16) })
}
