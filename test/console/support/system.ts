// What an operator looks after: a server, gateways and devices as processes of their own, and the admin API.

import { formatHostPort } from '@opencpns/io'
import { readAdminAccess } from '@opencpns/server'
import type { Running } from '../../end-to-end/processes.ts'
import { addressOf, freePort, ProcessTown } from '../../end-to-end/town.ts'
import { until } from '../../support/until.ts'

// biome-ignore lint/suspicious/noExplicitAny: documents from outside, whose shape the tests are about
export type Answer = any

export class System {
  readonly town: ProcessTown
  readonly gateways = new Map<string, Running>()
  readonly #adminPort: number
  #server: Running | undefined

  private constructor(town: ProcessTown, adminPort: number) {
    this.town = town
    this.#adminPort = adminPort
  }

  /** A server with the user alice and these gateways, all connected. */
  static async start(...gateways: string[]): Promise<System> {
    const system = new System(await ProcessTown.open(), await freePort())
    try {
      await system.startServer()
      await system.town.addUser()
      for (const name of gateways) await system.addGateway(name)
      return system
    } catch (error) {
      await system.close()
      throw error
    }
  }

  get base(): string {
    return `http://127.0.0.1:${this.#adminPort}`
  }

  async startServer(): Promise<void> {
    const listen = this.#server ? formatHostPort(addressOf(this.#server, 'cpns')) : '127.0.0.1:0'
    const where = ['--listen', listen, '--admin', `127.0.0.1:${this.#adminPort}`]
    this.#server = await this.town.machine.start('server', 'run', '--data', this.town.path('server'), ...where)
  }

  async stopServer(): Promise<void> {
    await this.#server?.stop()
  }

  async addGateway(name: string): Promise<void> {
    await this.town.addGateway(name)
    await this.runGateway(name)
  }

  /** With the credential NAME.json. Resolves when the server knows that it is connected. */
  async runGateway(name: string): Promise<void> {
    if (!this.#server) throw new Error('the server does not run')
    this.gateways.set(name, await this.town.startGateway(name, addressOf(this.#server, 'cpns')))
    await until(async () => (await this.get(`/v1/gateways/${name}`)).connected === true, `${name} is not connected`)
  }

  /** Where devices find it. */
  gatewayAddress(name: string): string {
    const gateway = this.gateways.get(name)
    if (!gateway) throw new Error(`there is no gateway ${name}`)
    return formatHostPort(addressOf(gateway, 'pne'))
  }

  async token(): Promise<string> {
    return (await readAdminAccess(this.town.path('server'))).token
  }

  /** Asks the admin API as the admin of the data folder. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Answer; etag: string | null }> {
    const headers = {
      authorization: `Bearer ${await this.token()}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const response = await fetch(this.base + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      etag: response.headers.get('etag'),
    }
  }

  async get(path: string): Promise<Answer> {
    const { status, body } = await this.ask('GET', path)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** A new token. */
  async makeToken(name: string, role: string): Promise<string> {
    const { status, body } = await this.ask('POST', '/v1/tokens', { name, role })
    if (status !== 201) throw new Error(`a token was refused: ${JSON.stringify(body)}`)
    return body.token
  }

  /** Pairs a device by the command line. @returns its id */
  async pair(name: string, gateway: string, file: string): Promise<string> {
    const { uri } = await this.town.run('gateway', 'pair', '--data', this.town.path(gateway), '--name', name)
    await this.town.run('pne', 'pair', String(uri), '--credential', this.town.path(file))
    const { items } = await this.get(`/v1/pnes?limit=1`)
    return items[0].id
  }

  /** One authentication by a device. */
  connect(file: string, gateway: string) {
    const where = [this.gatewayAddress(gateway), '--credential', this.town.path(file)]
    return this.town.attempt('pne', 'connect', ...where, '--once')
  }

  close(): Promise<void> {
    return this.town.close()
  }
}
