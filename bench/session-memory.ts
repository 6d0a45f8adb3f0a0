// Memory of an idle presence on a gateway, and what many of them cost it: resident memory of the gateway's process with and without
// them, and authentications (for a service, so that no presence is registered) in a second of its processor time, likewise. The
// devices are in other processes. With --quick there are fewer. The CPNS Server is away: here nobody needs it.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { listenTcp, writeFileAtomic } from '@opencpns/io'
import { connect } from '@opencpns/pne'
import { claimDataFolder } from '../packages/gateway/src/keystore/data-folder.ts'
import { type Bench, type BenchOptions, bounded, type Figure } from './figures.ts'
import { end, processorS } from './radius/process.ts'
import { credentialOf, type Device, type Holding } from './tunnel/holder.ts'
import { firstDocument, LAUNCHER } from './tunnel/processes.ts'

const HOLDER = fileURLToPath(new URL('./tunnel/holder.ts', import.meta.url))
const REALM = 'example.org'
const IDENTITY = `home-gw@${REALM}`
const KIB_MAX = 64
const RATE_KEPT = 0.8
const HOLDERS = 2
const SETTLE_MS = 1000
/** Until the code of the gateway is compiled and its heap has grown. */
const WARM_UP_FLOWS = 400
const CONCURRENCY = 8

export const sessionMemory: Bench = {
  names: ['session-memory'],
  async run({ quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const children: ChildProcess[] = []
    const service = createServer((socket) => void socket.on('error', () => {}).end())
    try {
      const devices = await furnish(folder, quick ? 500 : 5000)
      const { port } = await listenTcp(service, { host: '127.0.0.1', port: 0 })
      const gateway = startGateway(folder, port)
      children.push(gateway)
      return await measure(gateway, devices, quick ? 300 : 2000, children, say)
    } finally {
      service.close()
      await Promise.all(children.map(end))
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function measure(
  gateway: ChildProcess,
  devices: readonly Device[],
  flows: number,
  children: ChildProcess[],
  say: (text: string) => void,
): Promise<Record<string, Figure>> {
  const { listen } = await firstDocument<{ listen: { pne: string } }>(gateway)
  const at = { host: '127.0.0.1', port: Number(listen.pne.split(':')[1]), gateway: IDENTITY, realm: REALM }
  const [visitor, ...residents] = devices
  if (!visitor) throw new Error('there are no devices')
  const rate = (count: number) => authentications(gateway, at, visitor, count)
  await rate(WARM_UP_FLOWS)
  const emptyRate = await rate(flows)
  await sleep(SETTLE_MS)
  const empty = residentOctets(gateway)
  say(`empty: ${mib(empty)}, ${Math.round(emptyRate)} authentications in a second of processor time`)
  children.push(...(await Promise.all(shares(residents).map((share) => hold({ ...at, devices: share })))))
  await sleep(SETTLE_MS)
  const full = residentOctets(gateway)
  const fullRate = await rate(flows)
  say(`${residents.length} presences: ${mib(full)}, ${Math.round(fullRate)} authentications`)
  const figure = bounded((full - empty) / 1024 / residents.length, 'KiB', { atMost: KIB_MAX })
  const kept = Math.round((fullRate / emptyRate) * 1000) / 1000
  const goal = `${figure.goal}, rate kept ≥ ${RATE_KEPT}`
  const ok = figure.ok && kept >= RATE_KEPT
  return { 'session-memory': { ...figure, goal, ok, sessions: residents.length, rateKept: kept } }
}

/** A data folder and a credential of a gateway that has paired with so many devices, and one more. */
async function furnish(folder: string, count: number): Promise<Device[]> {
  const credential = { type: 'opencpns-gateway', version: 1, identity: IDENTITY, realm: REALM }
  const secret = randomBytes(32).toString('base64url')
  await writeFileAtomic(join(folder, 'gateway.json'), JSON.stringify({ ...credential, secret }), { mode: 0o600 })
  const text = () => randomBytes(32).toString('base64url')
  const devices = Array.from({ length: count + 1 }, (_, at) => ({
    pneId: `pne-${at}`,
    secondSeed: text(),
    euKey: text(),
  }))
  const dataFolder = await claimDataFolder(join(folder, 'data'), { identity: IDENTITY, realm: REALM })
  for (const { pneId, secondSeed, euKey } of devices) {
    const key = { pneId, euKey: Buffer.from(euKey, 'base64url') }
    dataFolder.keys.storePending(Buffer.from(secondSeed, 'base64url'), key)
  }
  dataFolder.close()
  const db = new DatabaseSync(join(folder, 'data', 'gateway.db'))
  db.exec(`UPDATE eu_keys SET state = 'active'`)
  db.close()
  return devices
}

function startGateway(folder: string, servicePort: number): ChildProcess {
  const where = ['--credential', join(folder, 'gateway.json'), '--data', join(folder, 'data')]
  const nobody = ['--server', '127.0.0.1:1', '--listen', '127.0.0.1:0', '--service', `none=127.0.0.1:${servicePort}`]
  const args = [LAUNCHER, 'gateway', 'run', ...where, ...nobody, '--json', '--log-level', 'silent']
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] })
}

type Where = Omit<Holding, 'devices'>

/** In a second of the gateway's processor time. */
async function authentications({ pid = 0 }: ChildProcess, at: Where, device: Device, count: number): Promise<number> {
  const credential = credentialOf(device, at.gateway, at.realm)
  const before = processorS(pid)
  let left = count
  const worker = async () => {
    while (left-- > 0) {
      const session = await connect({ ...at, credential, service: 'none' })
      await session.close()
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  return count / (processorS(pid) - before)
}

function shares(devices: readonly Device[]): (readonly Device[])[] {
  const size = Math.ceil(devices.length / HOLDERS)
  return Array.from({ length: HOLDERS }, (_, at) => devices.slice(at * size, (at + 1) * size))
}

/** Resolves when all of these are present. */
async function hold(holding: Holding): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLDER], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin?.write(`${JSON.stringify(holding)}\n`)
  const ended = once(child, 'exit').then(() => {
    throw new Error('the devices were refused')
  })
  await Promise.race([firstDocument(child), ended])
  return child
}

function residentOctets({ pid }: ChildProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

function mib(octets: number): string {
  return `${(octets / 2 ** 20).toFixed(1)} MiB`
}
