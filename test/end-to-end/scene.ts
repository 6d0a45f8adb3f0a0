// A gateway and a device as processes of their own, by the command line, with a server in this process and services that
// the test plays.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { readGatewayStatus } from '@opencpns/gateway'
import { type Address, formatHostPort, listenTcp, parseHostPort } from '@opencpns/io'
import { firstDocument, start, stop } from '../../packages/cli/test/support.ts'
import { freePort } from '../support/ports.ts'
import { anyPort, Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

export class Scene {
  readonly stage: Stage
  readonly #children = new Set<ChildProcess>()
  readonly #services: Server[] = []
  readonly #sockets = new Set<Socket>()
  gateway: ChildProcess | undefined
  #config = ''
  #gatewayAddress = ''

  private constructor(stage: Stage) {
    this.stage = stage
  }

  static async open(): Promise<Scene> {
    return new Scene(await Stage.open())
  }

  get credential(): string {
    return this.stage.path('watch.json')
  }

  get gatewayAddress(): Address {
    return parseHostPort(this.#gatewayAddress)
  }

  /** A service on a free port. Its sockets may be half open. */
  async service(serve: (socket: Socket) => void): Promise<Address> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket.on('close', () => this.#sockets.delete(socket)))
      serve(socket.on('error', () => {}))
    })
    this.#services.push(server)
    const { host, port } = await listenTcp(server, anyPort)
    return { host, port }
  }

  /** Starts the gateway with the services of `toml`, and pairs the device with it. */
  async startGateway(toml: string): Promise<void> {
    const { file } = await this.stage.register('home-gw')
    const server = formatHostPort(this.stage.server.addresses.cpns)
    const head = `credential = "${file}"\ndata = "home-gw"\nserver = "${server}"\n`
    this.#config = this.stage.path('gateway.toml')
    writeFileSync(this.#config, `${head}${toml}`)
    await this.restartGateway(`127.0.0.1:${await freePort()}`)
    const hasServer = async () => (await readGatewayStatus(this.stage.path('home-gw'))).live?.server?.connected === true
    await until(hasServer, 'the gateway reaches no server', 60_000)
    await this.stage.pair('watch', 'home-gw')
  }

  async restartGateway(listen = this.#gatewayAddress): Promise<void> {
    this.gateway = this.#start('gateway', 'run', '--config', this.#config, '--listen', listen, '--json', ...quiet)
    this.#gatewayAddress = (await firstDocument(this.gateway))['listen']?.['pne'] ?? ''
  }

  async killGateway(): Promise<void> {
    if (!this.gateway) return
    const exited = once(this.gateway, 'exit')
    this.gateway.kill('SIGKILL')
    this.#children.delete(this.gateway)
    await exited
  }

  /** `opencpns pne connect GATEWAY …` with the credential of the device. */
  connect(...args: string[]): ChildProcess {
    return this.#start('pne', 'connect', this.#gatewayAddress, '--credential', this.credential, ...args)
  }

  /** Forwards a free local port to each service; resolves to the ports by the names of the services. */
  async forward(...services: string[]): Promise<{ child: ChildProcess; ports: Record<string, number> }> {
    const forwards = services.flatMap((service) => ['-L', `0=${service}`])
    const child = this.connect(...forwards, '--json', ...quiet)
    const ready = (await firstDocument(child)) as unknown as { forwards: { listen: string; service: string }[] }
    const ports = ready.forwards.map(({ listen, service }) => [service, parseHostPort(listen).port])
    return { child, ports: Object.fromEntries(ports) }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    for (const service of this.#services) service.close()
    await Promise.all([...this.#children].map(stop))
    await this.stage.close()
  }

  #start(...args: string[]): ChildProcess {
    const child = start(...args)
    this.#children.add(child)
    return child
  }
}

const quiet = ['--log-level', 'silent']

/** What a process of Linux holds: its memory in octets, and its open files. */
export function holdings({ pid }: ChildProcess): { octets: number; files: number } {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { octets: Number(kib) * 1024, files: readdirSync(`/proc/${pid}/fd`).length }
}
