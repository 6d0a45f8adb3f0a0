// The stage: a server, two gateways and a service on free ports, with everything they keep in one temporary folder.
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTicket } from '@opencpns/gateway'
import { initDataFolder } from '@opencpns/server'
import { type Endpoint, parseEndpoint } from '../../endpoint.ts'
import type { LogLevel } from '../../log.ts'
import { type AdminClient, openAdmin } from '../admin/client.ts'
import { reserveCredentialFile } from '../admin/credential-file.ts'
import { Child } from './child.ts'
import { EchoService } from './echo.ts'

const REALM = 'example.org'

export interface RunningGateway {
  readonly child: Child
  readonly endpoint: Endpoint
  readonly dataDir: string
}

export class Network {
  readonly folder: string
  readonly #signal: AbortSignal
  readonly #logLevel: LogLevel
  readonly #echo = new EchoService()
  readonly #children: Child[] = []
  #serverAddress = ''

  private constructor(folder: string, signal: AbortSignal, logLevel: LogLevel) {
    this.folder = folder
    this.#signal = signal
    this.#logLevel = logLevel
  }

  static async open(signal: AbortSignal, logLevel: LogLevel): Promise<Network> {
    const network = new Network(await mkdtemp(join(tmpdir(), 'opencpns-demo-')), signal, logLevel)
    process.on('exit', network.#abandon)
    return network
  }

  async startServer(): Promise<Child> {
    const data = join(this.folder, 'server')
    await initDataFolder(data, { realm: REALM })
    const server = this.#spawn('the CPNS Server', [
      'server',
      'run',
      '--data',
      data,
      ...anyPort('--listen'),
      ...anyPort('--admin'),
    ])
    this.#serverAddress = listenOf(await server.ready(this.#signal), 'cpns')
    return server
  }

  /** Adds a user and gateways of that name, and starts them side by side. */
  async startGateways(names: readonly string[]): Promise<RunningGateway[]> {
    const admin = await openAdmin({ data: join(this.folder, 'server'), logLevel: 'info' })
    const service = await this.#echo.listen()
    await admin.post('/v1/users', { name: 'alice' })
    return Promise.all(names.map((name) => this.#startGateway(admin, name, service)))
  }

  pairingUri(gateway: RunningGateway): Promise<string> {
    return createTicket({ dataDir: gateway.dataDir, name: 'watch' }).then(({ uri }) => uri)
  }

  /** Ends the processes, then removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()))
    this.#echo.close()
    process.off('exit', this.#abandon)
    this.#removeFolder()
  }

  async #startGateway(admin: AdminClient, name: string, service: string): Promise<RunningGateway> {
    const credential = join(this.folder, `${name}.json`)
    const dataDir = join(this.folder, name)
    const file = await reserveCredentialFile(credential)
    const made = await admin.post<object>('/v1/gateways', { name, user: 'alice' })
    await file.write({ type: 'opencpns-gateway', version: 1, ...made })
    await file.release()
    const where = [
      '--credential',
      credential,
      '--data',
      dataDir,
      '--server',
      this.#serverAddress,
      ...anyPort('--listen'),
    ]
    const child = this.#spawn(`the gateway ${name}`, ['gateway', 'run', ...where, '--service', `echo=${service}`])
    const endpoint = parseEndpoint(listenOf(await child.ready(this.#signal), 'pne'))
    await child.logged(({ event }) => event === 'server-connected', 'a connection to the server', this.#signal)
    return { child, endpoint, dataDir }
  }

  #spawn(name: string, args: readonly string[]): Child {
    const child = new Child(name, args, this.#logLevel)
    this.#children.push(child)
    return child
  }

  /** The last resort, when the process ends before {@link close} could. */
  readonly #abandon = (): void => {
    for (const child of this.#children) child.kill()
    this.#removeFolder()
  }

  #removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function anyPort(option: string): string[] {
  return [option, '127.0.0.1:0']
}

function listenOf(ready: Readonly<Record<string, unknown>>, door: string): string {
  return String((ready['listen'] as Record<string, unknown> | undefined)?.[door])
}
