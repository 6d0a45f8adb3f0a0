// A server and gateways as processes of their own, made by the command line alone, and their data folders.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readGatewayStatus } from '@opencpns/gateway'
import { type Address, formatHostPort, parseHostPort } from '@opencpns/io'
import { readAdminAccess } from '@opencpns/server'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'
import { type Document, Machine, type Running } from './processes.ts'

export { freePort } from '../support/ports.ts'

export class ProcessTown {
  readonly machine: Machine
  readonly #folder: string
  readonly #more: readonly string[]

  private constructor(machine: Machine, folder: string, more: readonly string[]) {
    this.machine = machine
    this.#folder = folder
    this.#more = more
  }

  /** An initialised server with one end user, alice, that is not running. @param more options of every command */
  static open(...more: string[]): Promise<ProcessTown> {
    return ProcessTown.openOn(new Machine(), ...more)
  }

  /** As {@link open}, of commands that run there. */
  static async openOn(machine: Machine, ...more: string[]): Promise<ProcessTown> {
    const town = new ProcessTown(machine, await mkdtemp(join(tmpdir(), 'opencpns-town-')), more)
    await town.run('server', 'init', '--data', town.path('server'), '--realm', 'example.org')
    return town
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** Runs a command to its end, and gives its document. */
  run(...args: string[]): Promise<Document> {
    return this.machine.opencpns(...args, ...this.#more)
  }

  attempt(...args: string[]) {
    return this.machine.attempt(...args, ...this.#more)
  }

  /** The server. @param port  where gateways find it, if not at a free one */
  async startServer(port?: number, machine = this.machine): Promise<Running> {
    const where = ['--listen', `127.0.0.1:${port ?? (await freePort())}`, '--admin', '127.0.0.1:0']
    return machine.start('server', 'run', '--data', this.path('server'), ...where, ...this.#more)
  }

  async addUser(): Promise<void> {
    await this.run('admin', 'user', 'add', 'alice', '--data', this.path('server'))
  }

  /** Makes the credential NAME.json. */
  async addGateway(name: string): Promise<void> {
    const options = ['--user', 'alice', '--out', this.path(`${name}.json`), '--data', this.path('server')]
    await this.run('admin', 'gateway', 'add', name, ...options)
  }

  startGateway(name: string, server: Address, port?: number, ...more: string[]): Promise<Running> {
    return this.startGatewayOn(this.machine, name, server, port, ...more)
  }

  async startGatewayOn(
    machine: Machine,
    name: string,
    server: Address,
    port?: number,
    ...more: string[]
  ): Promise<Running> {
    const files = ['--credential', this.path(`${name}.json`), '--data', this.path(name)]
    const where = ['--server', formatHostPort(server), '--listen', `127.0.0.1:${port ?? (await freePort())}`]
    return machine.start('gateway', 'run', ...files, ...where, ...more, ...this.#more)
  }

  /** Resolves when these gateways, which were just started, have the server: until then they can only say that they do not. */
  async haveServer(...gateways: string[]): Promise<void> {
    for (const name of gateways) {
      const hasServer = async () => (await readGatewayStatus(this.path(name))).live?.server?.connected === true
      await until(hasServer, `${name} reaches no server`, 60_000)
    }
  }

  /** Asks the admin API. */
  async admin<T>(path: string): Promise<T> {
    const { url, token } = await readAdminAccess(this.path('server'))
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return response.json() as Promise<T>
  }

  async close(): Promise<void> {
    await this.machine.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Where a running command listens. @param door as its first document names it */
export function addressOf({ documents }: Running, door: 'cpns' | 'pne'): Address {
  const listen = documents[0]?.['listen'] as Record<string, string> | undefined
  return parseHostPort(listen?.[door] ?? '')
}
