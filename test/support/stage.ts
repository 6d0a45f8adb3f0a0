// All roles in this process, in a temporary folder: a server, gateways and paired PNEs. For tests that cross packages, and
// for the bench.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { createTicket, type Gateway, type GatewayOptions, runGateway, type Service } from '@opencpns/gateway'
import { type Address, type Logger, silent, writeFileAtomic } from '@opencpns/io'
import { type Credential, connect, pair } from '@opencpns/pne'
import {
  type Bus,
  initDataFolder,
  openPart,
  type RunningServer,
  readAdminAccess,
  runServer,
  type ServerOptions,
  type ServerPart,
} from '@opencpns/server'
import { freePort } from './ports.ts'
import { until } from './until.ts'

export const REALM = 'example.org'
export const anyPort: Address = { host: '127.0.0.1', port: 0 }

type ServerSettings = Pick<
  ServerOptions,
  'store' | 'now' | 'transientKeyLifetimeS' | 'maxStaleS' | 'bus' | 'logger' | 'tracer'
>

export interface StageOptions extends ServerSettings {
  /** What each gateway offers. */
  readonly services?: Readonly<Record<string, Service>>
}

interface GatewayCredential {
  readonly identity: string
  /** 32 octets */
  readonly secret: Buffer
  readonly file: string
}

export class Stage {
  readonly folder: string
  /** The facts of every line that a role has logged at `info` or above, unless there is another logger. */
  readonly lines: Record<string, unknown>[] = []
  readonly logger: Logger
  readonly #keepsLines: boolean
  readonly #settings: ServerSettings
  readonly #services: StageOptions['services']
  readonly #gateways: Gateway[] = []
  #server: RunningServer | undefined

  private constructor(folder: string, { services, ...settings }: StageOptions) {
    const log = (facts: object) => void this.lines.push({ ...facts })
    this.folder = folder
    this.#keepsLines = settings.logger === undefined
    this.logger = settings.logger ?? { ...silent, info: log, warn: log, error: log }
    this.#settings = { ...settings, logger: this.logger }
    this.#services = services
  }

  /** A server with one end user, alice. */
  static async open(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), 'opencpns-stage-')), options)
    await initDataFolder(stage.path('server'), { realm: REALM, ...(options.store && { store: options.store }) })
    await stage.startServer({ host: anyPort.host, port: await freePort() })
    await stage.admin('/v1/users', { name: 'alice' })
    return stage
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  get server(): RunningServer {
    if (!this.#server) throw new Error('the server of this stage is stopped')
    return this.#server
  }

  /** @param listen where, after a stop: there the gateways look for it */
  async startServer(listen: Address): Promise<void> {
    this.#server = await runServer({ dataDir: this.path('server'), listen, admin: anyPort, ...this.#settings })
  }

  /** Another server on the same data folder, with a door for gateways alone. Whoever asked for it closes it. */
  async replica(bus?: Bus, listen: Address = anyPort): Promise<ServerPart & { readonly cpns: Address }> {
    const part = await openPart({ dataDir: this.path('server'), listen, ...this.#settings, bus })
    return { ...part, cpns: part.addresses.cpns ?? assert.fail() }
  }

  async stopServer(): Promise<Address> {
    const { cpns } = this.server.addresses
    await this.server.close({ graceMs: 0 })
    this.#server = undefined
    return cpns
  }

  /** Makes the credential of a gateway, which then is one that the server knows. */
  async register(name: string): Promise<GatewayCredential> {
    const { identity = '', secret = '' } = await this.admin('/v1/gateways', { name, user: 'alice' })
    const file = this.path(`${name}.json`)
    const credential = { type: 'opencpns-gateway', version: 1, identity, realm: REALM, secret }
    await writeFileAtomic(file, JSON.stringify(credential), { mode: 0o600 })
    return { identity, file, secret: Buffer.from(secret, 'base64url') }
  }

  /** A gateway that runs, and is connected. @param options  that are not as usual, such as where it finds the server */
  async gateway(name: string, options: Partial<GatewayOptions> = {}): Promise<Gateway> {
    const { file: credentialFile } = await this.register(name)
    const servers = [this.server.addresses.cpns]
    const usual = { servers, listen: anyPort, logger: this.logger, services: this.#services }
    const gateway = this.adopt(await runGateway({ credentialFile, dataDir: this.path(name), ...usual, ...options }))
    if (this.#keepsLines) await until(() => this.#isConnected(gateway), `${name} reaches no server`)
    return gateway
  }

  #isConnected({ identity }: Gateway): boolean {
    return this.lines.some(({ event, gateway }) => event === 'server-connected' && gateway === identity)
  }

  async closeGateway(name: string): Promise<void> {
    for (const gateway of this.#gateways)
      if (gateway.identity === `${name}@${REALM}`) await gateway.close({ graceMs: 0 })
  }

  /** Closes it with the stage. */
  adopt(gateway: Gateway): Gateway {
    this.#gateways.push(gateway)
    return gateway
  }

  /** A ticket of this gateway, as a URI. @param address where the PNE shall find it, if not at the real address */
  async ticket(gateway: string, name: string, address?: string): Promise<string> {
    const options = { dataDir: this.path(gateway), name, ...(address !== undefined && { addresses: [address] }) }
    return (await createTicket(options)).uri
  }

  /** Pairs a PNE, whose credential is NAME.json then. */
  async pair(name: string, gateway: string): Promise<Credential> {
    return pair({ uri: await this.ticket(gateway, name), credentialFile: this.path(`${name}.json`) })
  }

  revoke({ pneId }: { pneId: string }): Promise<unknown> {
    return this.admin(`/v1/pnes/${pneId}/revoke`, {})
  }

  /** Asks the admin API; with a body, it is a POST. Leaves no connection open. */
  async admin(path: string, body?: object): Promise<Record<string, string>> {
    const { url, token } = await readAdminAccess(this.path('server'))
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    return new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, { method: body ? 'POST' : 'GET', headers, agent: false }, (response) => {
        const { statusCode = 0 } = response
        const refused = (document: unknown) => new Error(`${path}: ${statusCode} ${JSON.stringify(document)}`)
        json(response)
          .then((document) =>
            statusCode < 300 ? resolve(document as Record<string, string>) : reject(refused(document)),
          )
          .catch(reject)
      })
      asked.on('error', reject).end(body && JSON.stringify(body))
    })
  }

  async close(): Promise<void> {
    for (const gateway of this.#gateways) await gateway.close({ graceMs: 200 })
    await this.#server?.close({ graceMs: 200 })
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A stage with two gateways, home and hotel, and a PNE that home has paired: honest parties around an attack. */
export class Town {
  readonly stage: Stage
  readonly home: Gateway
  readonly hotel: Gateway
  readonly watch: Credential

  private constructor(stage: Stage, home: Gateway, hotel: Gateway, watch: Credential) {
    this.stage = stage
    this.home = home
    this.hotel = hotel
    this.watch = watch
  }

  static async open(options?: StageOptions): Promise<Town> {
    const stage = await Stage.open(options)
    try {
      const home = await stage.gateway('home-gw')
      const hotel = await stage.gateway('hotel-gw')
      return new Town(stage, home, hotel, await stage.pair('watch', 'home-gw'))
    } catch (error) {
      await stage.close()
      throw error
    }
  }

  /** The honest PNE gets its session in the local case and in the remote one, at once. */
  async serves(): Promise<void> {
    for (const [gateway, theCase] of [
      [this.home, 'local'],
      [this.hotel, 'remote'],
    ] as const) {
      const session = await connect({ ...gateway.address, credential: this.watch, timeoutMs: 20_000 })
      assert.deepEqual([session.facts.case, session.facts.gateway], [theCase, gateway.identity])
      await session.close()
    }
  }

  /** Carries out an attack; afterwards every connection that it made is gone at all parties, and the honest PNE is served. */
  async survives<T>(attack: () => Promise<T>): Promise<T> {
    await this.serves()
    const before = await quiet()
    const result = await attack()
    await until(() => openSockets() <= before, 'the attack leaves connections behind')
    await this.serves()
    return result
  }

  close(): Promise<void> {
    return this.stage.close()
  }
}

/** TCP connections of this process, each end counted. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length
}

/** Their number when it has not changed for a while. */
async function quiet(): Promise<number> {
  let same = 0
  let count = openSockets()
  await until(() => {
    const now = openSockets()
    same = now === count ? same + 1 : 0
    count = now
    return same === 5
  })
  return count
}
