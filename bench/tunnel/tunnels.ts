// Two tunnels to the same service, each of two processes: ours (device and gateway) and stunnel4 (client and server, TLS 1.3 with
// a PSK and the same ciphersuite).

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { formatHostPort, silent } from '@opencpns/io'
import { freePort } from '../../test/support/ports.ts'
import { Stage } from '../../test/support/stage.ts'
import { end, isThere } from '../radius/process.ts'
import { firstDocument, LAUNCHER } from './processes.ts'

const SERVICE = fileURLToPath(new URL('./service.ts', import.meta.url))
const CIPHERSUITE = 'TLS_AES_128_GCM_SHA256'
const ATTEMPT_MS = 3000
const ANSWERS_MS = 30_000
const INSTALL = 'stunnel4 is missing: apt-get install stunnel4'

/** Where the service is reached: through a tunnel, or directly. */
export interface Way {
  readonly sink: number
  readonly echo: number
  /** Seconds of processor time that its processes have had. */
  processorS(): number
}

export interface Tunnels {
  readonly ours: Way
  readonly stunnel: Way
  readonly direct: Way
  close(): Promise<void>
}

/** Undefined where there is no stunnel4: then `say` tells how to install it. */
export async function openTunnels(name: string, say: (text: string) => void): Promise<Tunnels | undefined> {
  if (!isThere('stunnel4')) {
    say(`${name}: skipped, for there is nothing to compare with. ${INSTALL}`)
    return undefined
  }
  const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
  const stage = await Stage.open({ logger: silent })
  const children: ChildProcess[] = []
  const start = (program: string, args: readonly string[]) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    children.push(child)
    return child
  }
  const close = async () => {
    await Promise.all(children.map(end))
    await stage.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const service = await firstDocument<{ sink: number; echo: number }>(start(process.execPath, [SERVICE]))
    const ours = await openOurs(stage, service, start)
    const stunnel = await openStunnel(folder, service, start)
    return { ours, stunnel, direct: { ...service, processorS: () => 0 }, close }
  } catch (error) {
    await close()
    throw error
  }
}

type Start = (program: string, args: readonly string[]) => ChildProcess
interface Ports {
  readonly sink: number
  readonly echo: number
}

async function openOurs(stage: Stage, { sink, echo }: Ports, start: Start): Promise<Way> {
  const { file } = await stage.register('home-gw')
  const server = formatHostPort(stage.server.addresses.cpns)
  const where = ['--credential', file, '--data', stage.path('home-gw'), '--server', server, '--listen', '127.0.0.1:0']
  const services = ['--service', `sink=127.0.0.1:${sink}`, '--service', `echo=127.0.0.1:${echo}`]
  const gateway = start(process.execPath, [LAUNCHER, 'gateway', 'run', ...where, ...services, ...quiet])
  const { listen } = await firstDocument<{ listen: { pne: string } }>(gateway)
  await stage.pair('watch', 'home-gw')
  const credential = ['--credential', stage.path('watch.json')]
  const forwards = ['-L', '0=sink', '-L', '0=echo']
  const device = start(process.execPath, [LAUNCHER, 'pne', 'connect', listen.pne, ...credential, ...forwards, ...quiet])
  const { forwards: open } = await firstDocument<{ forwards: { listen: string }[] }>(device)
  const [sinkPort = 0, echoPort = 0] = open.map((one) => Number(one.listen.split(':')[1]))
  return { sink: sinkPort, echo: echoPort, processorS: processorOf(gateway, device) }
}

const quiet = ['--json', '--log-level', 'silent']

async function openStunnel(folder: string, { sink, echo }: Ports, start: Start): Promise<Way> {
  const secrets = join(folder, 'psk')
  await writeFile(secrets, `bench:${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  const role = async (name: string, client: boolean, to: Ports): Promise<[Ports, ChildProcess]> => {
    const ports = { sink: await freePort(), echo: await freePort() }
    const section = (service: keyof Ports) => [
      `[${service}]`,
      `client = ${client ? 'yes' : 'no'}`,
      `accept = 127.0.0.1:${ports[service]}`,
      `connect = 127.0.0.1:${to[service]}`,
      `PSKsecrets = ${secrets}`,
      'sslVersion = TLSv1.3',
      `ciphersuites = ${CIPHERSUITE}`,
    ]
    const all = ['foreground = yes', 'pid =', 'socket = l:TCP_NODELAY=1', 'socket = r:TCP_NODELAY=1']
    const file = join(folder, `${name}.conf`)
    await writeFile(file, [...all, ...section('sink'), ...section('echo'), ''].join('\n'))
    return [ports, start('stunnel4', [file])]
  }
  const [inner, server] = await role('server', false, { sink, echo })
  const [outer, client] = await role('client', true, inner)
  await answers(outer.echo)
  return { ...outer, processorS: processorOf(server, client) }
}

/** utime + stime of /proc/PID/stat in ticks of 10 ms: threads that have ended count too, and stunnel4 has one a connection. */
function processorOf(...children: ChildProcess[]): () => number {
  const ticks = ({ pid }: ChildProcess) => {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const [utime, stime] = fields.split(' ').slice(11, 13)
    return Number(utime) + Number(stime)
  }
  return () => children.reduce((sum, child) => sum + ticks(child), 0) / 100
}

/** Resolves when an octet comes back from this port. On a busy machine two TLS handshakes take their time. */
async function answers(port: number): Promise<void> {
  const until = performance.now() + ANSWERS_MS
  while (performance.now() < until) {
    const socket = connect({ port, host: '127.0.0.1' }).setTimeout(ATTEMPT_MS, () => socket.destroy())
    socket.write('x')
    const answered = await new Promise((resolve) => {
      socket.once('data', () => resolve(true))
      socket.on('error', () => {}).once('close', () => resolve(false))
    })
    socket.destroy()
    if (answered) return
    await sleep(50)
  }
  throw new Error(`nothing answers at port ${port}`)
}
