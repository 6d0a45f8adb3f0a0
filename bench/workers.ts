// What a second process is worth: authentications in the remote case at a server of one process and at one with two workers, on
// SQLite, over the links of eight gateways. The processes take turns on the cores with the generator and whatever else
// runs, so the rate is calculated from processor time: requests over the time of all processes of the server together, the primary
// too, times the cores that they fill, one for each worker. Beside it stands what was measured by the clock, which means something
// only where the generator has a core of its own, and how evenly the workers were busy, which the calculation takes for granted.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { GpskPeer } from '@opencpns/eap'
import { openServerLink, type ServerLink } from '@opencpns/gateway'
import { type Address, parseHostPort } from '@opencpns/io'
import {
  deriveEuKey,
  deriveGpskPsk,
  encode,
  ForwardedRequest,
  ForwardedResponse,
  peerIdentity,
  Result,
} from '@opencpns/protocol'
import { Challenges, initDataFolder, openDataFolder, Registry } from '@opencpns/server'
import { type Bench, compared, type Figure, median, plain } from './figures.ts'
import { end, processorS } from './radius/process.ts'

const LAUNCHER = fileURLToPath(new URL('../packages/cli/bin/opencpns.js', import.meta.url))
const REALM = 'example.org'
const GATEWAYS = 8
/** Of each gateway; the server knows nothing of a request that came before, so they are sent again and again. */
const REQUESTS = 50
/** Of each link. */
const IN_FLIGHT = 16

type Request = Omit<ForwardedRequest, 'type' | 'id'>

interface Gateway {
  readonly credential: { readonly identity: string; readonly realm: string; readonly secret: Uint8Array }
  readonly requests: readonly Request[]
}

export const workers: Bench = {
  names: ['worker', 'workers'],
  async run({ quick, say }): Promise<Record<string, Figure>> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const { rounds, ms, warmUpMs } = quick
      ? { rounds: 5, ms: 900, warmUpMs: 4000 }
      : { rounds: 9, ms: 4000, warmUpMs: 8000 }
    const servers: Loaded[] = []
    try {
      const [one, two] = [join(folder, 'one'), join(folder, 'two')]
      const gateways = await fill(one)
      await cp(one, two, { recursive: true })
      servers.push(await Loaded.open(one, 1, gateways), await Loaded.open(two, 2, gateways))
      for (const server of servers) await server.flood(warmUpMs) // until the code is compiled
      const measured: Record<1 | 2, Measured[]> = { 1: [], 2: [] }
      for (let round = 0; round < rounds; round++) {
        for (const server of servers) {
          const one = await server.measure(ms)
          measured[server.count].push(one)
          say(`${server.count === 1 ? 'one process' : 'two workers'}: ${describe(one)}`)
        }
      }
      if (availableParallelism() < 3) {
        say('With two cores the generator and two workers share them: by the clock two cannot do twice as much here.')
      }
      return figuresOf(measured[1], measured[2])
    } finally {
      for (const server of servers) await server.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

interface Measured {
  /** Requests a second on as many cores as there are workers. */
  readonly rate: number
  /** By the clock. */
  readonly wallRate: number
  /** Processor seconds of each process of the server, the primary first. */
  readonly processorS: readonly number[]
  /** Processor seconds of the generator. */
  readonly generatorS: number
  readonly seconds: number
}

function describe({ rate, wallRate, processorS, generatorS, seconds }: Measured): string {
  const share = (s: number) => `${Math.round((s / seconds) * 100)} %`
  const processes = processorS.map(share).join(', ')
  return `${Math.round(rate)}/s by processor time, ${Math.round(wallRate)}/s by the clock; processes ${processes}, generator ${share(generatorS)} of a core`
}

function figuresOf(one: readonly Measured[], two: readonly Measured[]): Record<string, Figure> {
  const rateOf = (all: readonly Measured[]) => median(all.map(({ rate }) => rate))
  const wallOf = (all: readonly Measured[]) => Math.round(median(all.map(({ wallRate }) => wallRate)))
  const generatorOf = (all: readonly Measured[]) =>
    Math.round(100 * median(all.map(({ generatorS, seconds }) => generatorS / seconds))) / 100
  const evenOf = (all: readonly Measured[]) => Math.round(100 * median(all.map(evenness))) / 100
  const figure = compared(rateOf(two), 'requests/s', { value: rateOf(one), to: 'worker' }, { atLeast: 1.7 })
  return {
    worker: { ...plain(rateOf(one), 'requests/s'), byTheClock: wallOf(one), generatorCores: generatorOf(one) },
    workers: { ...figure, byTheClock: wallOf(two), generatorCores: generatorOf(two), evenness: evenOf(two) },
  }
}

/** What the least busy worker did of what the busiest one did, 0 to 1. */
function evenness({ processorS: [, ...ofWorkers] }: Measured): number {
  return Math.min(...ofWorkers) / Math.max(...ofWorkers)
}

/** A server with one end user, gateways, and a PNE for each request. */
async function fill(dataDir: string): Promise<Gateway[]> {
  await initDataFolder(dataDir, { realm: REALM })
  const { store, vault, release } = await openDataFolder(dataDir)
  const registry = new Registry({ store, vault, realm: REALM })
  const challenges = new Challenges(vault.challengeKey(), REALM)
  await registry.addUser('alice')
  const gateways: Gateway[] = []
  for (let at = 0; at < GATEWAYS; at++) {
    const { identity, secret } = await registry.addGateway({ name: `gw-${at}`, user: 'alice' })
    const requests = await Promise.all(
      Array.from({ length: REQUESTS }, () => requestAt(identity, registry, challenges)),
    )
    gateways.push({ credential: { identity, realm: REALM, secret }, requests })
  }
  registry.close()
  await store.close()
  release()
  return gateways
}

async function requestAt(gateway: string, registry: Registry, challenges: Challenges): Promise<Request> {
  const secondSeed = randomBytes(32)
  const { firstSeed } = await registry.assignPne({ gatewayIdentity: gateway, secondSeed })
  await registry.confirmPne({ gatewayIdentity: gateway, secondSeed })
  const psk = deriveGpskPsk(deriveEuKey({ firstSeed, secondSeed, realm: REALM }))
  const challenge = challenges.issue(gateway, Math.floor(Date.now() / 1000))
  const step = new GpskPeer({ idPeer: peerIdentity(secondSeed, REALM), psk }).receive(challenge, Date.now())
  if (step.do !== 'send') throw new Error('the peer does not answer the challenge')
  return { secondSeed, challenge, eap: step.packet }
}

/** A server and the links of its gateways. Both of them wait for their turn side by side: so moods of the machine befall both. */
class Loaded {
  readonly count: 1 | 2
  readonly #process: ChildProcess
  readonly #gateways: readonly Gateway[]
  readonly #links: readonly ServerLink[]

  private constructor(count: 1 | 2, child: ChildProcess, gateways: readonly Gateway[], links: readonly ServerLink[]) {
    this.count = count
    this.#process = child
    this.#gateways = gateways
    this.#links = links
  }

  /** @param count of workers; 1 does all in one process */
  static async open(dataDir: string, count: 1 | 2, gateways: readonly Gateway[]): Promise<Loaded> {
    const { child, address } = await start(dataDir, count)
    const links = await Promise.all(gateways.map(({ credential }) => link(address, credential)))
    return new Loaded(count, child, gateways, links)
  }

  /** Gives how many requests were answered. */
  async flood(ms: number): Promise<number> {
    const done = this.#links.map((one, at) => flood(one, this.#gateways[at]?.requests ?? [], ms))
    return (await Promise.all(done)).reduce((sum, one) => sum + one)
  }

  async measure(ms: number): Promise<Measured> {
    const pids = await processesOf(this.#process)
    const before = pids.map(processorS)
    const own = process.cpuUsage()
    const since = performance.now()
    const done = await this.flood(ms)
    const seconds = (performance.now() - since) / 1000
    const { user, system } = process.cpuUsage(own)
    const used = pids.map((pid, at) => processorS(pid) - (before[at] ?? 0))
    const rate = (this.count * done) / used.reduce((sum, one) => sum + one)
    return { rate, wallRate: done / seconds, processorS: used, generatorS: (user + system) / 1e6, seconds }
  }

  async close(): Promise<void> {
    for (const one of this.#links) one.close()
    await end(this.#process)
  }
}

async function start(dataDir: string, count: number): Promise<{ child: ChildProcess; address: Address }> {
  const where = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--log-level', 'silent', '--json']
  const args = [LAUNCHER, 'server', 'run', '--data', dataDir, '--workers', String(count), ...where]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(createInterface({ input: child.stdout as never }), 'line')
  const { listen } = JSON.parse(String(line)) as { listen: { cpns: string } }
  return { child, address: parseHostPort(listen.cpns) }
}

async function processesOf({ pid = 0 }: ChildProcess): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.trim().split(' ').filter(Boolean).map(Number)]
}

function link(server: Address, credential: Gateway['credential']): Promise<ServerLink> {
  const listener = {
    onRevocationNotice: () => {},
    onPolicyNotice: () => {},
    onTicketRequest: () => ({ result: Result.busy }),
    onRotationNotice: () => {},
  }
  return openServerLink({ server, credential, signal: new AbortController().signal, listener })
}

/** Keeps requests in flight on a link; gives how many were answered. @throws when one is refused: then the rate would mean nothing */
async function flood(link: ServerLink, requests: readonly Request[], ms: number): Promise<number> {
  const until = performance.now() + ms
  let sent = 0
  let done = 0
  const one = async () => {
    while (performance.now() < until) {
      const request = requests[sent++ % requests.length] as Request
      const { result } = await link.request((id) => encode(ForwardedRequest, { id, ...request }), ForwardedResponse)
      if (result !== Result.success) throw new Error('a request was refused')
      done++
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, one))
  return done
}
