// Real processes to do faults to: a server that keeps its port, gateways, paired PNEs, in a temporary folder that is gone with the
// trial. What does not stay is asked of the admin API: a process for each question would take a slow machine too long.

import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTicket, readGatewayCredential } from '@opencpns/gateway'
import { type Address, formatHostPort, writeFileAtomic } from '@opencpns/io'
import { type Credential, pair } from '@opencpns/pne'
import { readAdminAccess } from '@opencpns/server'
import { Machine, type Running } from '../../end-to-end/processes.ts'
import { addressOf, freePort, ProcessTown } from '../../end-to-end/town.ts'
import { startPostgres } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import type { Trial } from './fault.ts'
import { GatewayLog } from './gateway-log.ts'
import { LinkedGateway } from './linked-gateway.ts'
import { type Attempt, outcomeOf } from './load.ts'

export type StoreKind = 'SQLite' | 'PostgreSQL'
export const stores: readonly StoreKind[] = ['SQLite', 'PostgreSQL']

/** Only a fault takes so long. */
export const AT_LAST_MS = 60_000

const PAIRING_MS = 60_000

/** A PNE as the admin API lists it. */
interface Pne {
  readonly id: string
  readonly name: string
  readonly state: 'pending' | 'active' | 'revoked'
}

interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/** @param store in which it is @returns why there can be none, where there can be none */
export async function openTown(
  { after }: Pick<Trial, 'after'>,
  kind: StoreKind = 'SQLite',
): Promise<FaultTown | string> {
  if (kind === 'SQLite') return townOn({ after })
  const postgres = await startPostgres()
  after(() => postgres.stop())
  return townIn({ after }, await postgres.createDatabase())
}

/** A town whose servers have their store in this database. @param url postgres://… */
export function townIn(trial: Pick<Trial, 'after'>, url: string): Promise<FaultTown> {
  return townOn(trial, { OPENCPNS_STORE: url })
}

async function townOn({ after }: Pick<Trial, 'after'>, env: NodeJS.ProcessEnv = {}): Promise<FaultTown> {
  const town = await ProcessTown.openOn(new Machine(undefined, env), '--log-level', 'error')
  after(() => town.close())
  const faulty = new FaultTown(town, await freePort(), env)
  after(() => faulty.close())
  return faulty
}

export class FaultTown {
  readonly town: ProcessTown
  readonly serverAt: Address
  readonly #env: NodeJS.ProcessEnv
  readonly #linked: LinkedGateway[] = []
  readonly #machines: Machine[] = []

  constructor(town: ProcessTown, port: number, env: NodeJS.ProcessEnv) {
    this.#env = env
    this.town = town
    this.serverAt = { host: '127.0.0.1', port }
  }

  path(name: string): string {
    return this.town.path(name)
  }

  /** Starts the server, with alice as its user. @param machine where, if not here  @param more options */
  async server(machine?: Machine, ...more: string[]): Promise<Running> {
    const server = await this.serverAgain(machine, ...more)
    await this.post('/v1/users', { name: 'alice' })
    return server
  }

  /** One on which commands find this in their environment beside the rest. */
  furtherMachine(env: NodeJS.ProcessEnv): Machine {
    const machine = new Machine(undefined, { ...this.#env, ...env })
    this.#machines.push(machine)
    return machine
  }

  /** The server, as one of several. */
  async firstServer(): Promise<ServerProcess> {
    return { address: this.serverAt, running: await this.server(), again: () => this.serverAgain() }
  }

  /** Starts the server where it was. */
  serverAgain(machine = this.town.machine, ...more: string[]): Promise<Running> {
    const where = ['--listen', formatHostPort(this.serverAt), '--admin', '127.0.0.1:0', '--log-level', 'error']
    return machine.start('server', 'run', '--data', this.path('server'), ...where, ...more)
  }

  /**
   * A further server of the same store, as a process: a replica, with a copy of the data folder that nobody has used yet.
   * It is started where it was by `again`.
   */
  async replica(name: string): Promise<ServerProcess> {
    cpSync(this.path('server'), this.path(name), { recursive: true, preserveTimestamps: true })
    const address = { host: '127.0.0.1', port: await freePort() }
    const where = ['--listen', formatHostPort(address), '--admin', '127.0.0.1:0', '--log-level', 'error']
    const again = () => this.town.machine.start('server', 'run', '--data', this.path(name), ...where)
    return { address, running: await again(), again }
  }

  /** Makes the credential NAME.json. */
  async addGateway(name: string): Promise<void> {
    const { identity = '', secret } = await this.post('/v1/gateways', { name, user: 'alice' })
    const realm = identity.split('@')[1]
    const credential = { type: 'opencpns-gateway', version: 1, identity, realm, secret }
    await writeFileAtomic(this.path(`${name}.json`), JSON.stringify(credential), { mode: 0o600 })
  }

  /** A gateway as a process. */
  async gateway(name: string): Promise<GatewayProcess> {
    await this.addGateway(name)
    return this.startGateway(name)
  }

  /** A gateway that the server knows already. */
  async startGateway(name: string, { servers = [this.serverAt], machine }: GatewayPlace = {}): Promise<GatewayProcess> {
    const files = ['--credential', this.path(`${name}.json`), '--data', this.path(name)]
    const upstream = servers.flatMap((server) => ['--server', formatHostPort(server)])
    const where = machine ?? this.town.machine
    const start = (port = 0) => {
      const listen = ['--listen', `127.0.0.1:${port}`, '--log-level', 'info']
      return where.start('gateway', 'run', ...files, ...upstream, ...listen)
    }
    const running = await start()
    const address = addressOf(running, 'pne')
    return { name, running, address, log: new GatewayLog(where, this.path(name)), again: () => start(address.port) }
  }

  /** A gateway that is only a link, in this process. */
  async linkedGateway(name: string): Promise<LinkedGateway> {
    await this.addGateway(name)
    const gateway = new LinkedGateway(this.serverAt, await readGatewayCredential(this.path(`${name}.json`)))
    this.#linked.push(gateway)
    return gateway
  }

  async ticket(gateway: GatewayProcess, name: string): Promise<string> {
    const addresses = [formatHostPort(gateway.address)]
    return (await createTicket({ dataDir: this.path(gateway.name), name, addresses })).uri
  }

  /** Pairs a PNE, as soon as its gateway has reached the server. */
  async pair(gateway: GatewayProcess, name: string): Promise<Credential> {
    const uri = await this.ticket(gateway, name)
    let credential: Credential | undefined
    await until(
      async () => {
        credential = await pair({ uri, credentialFile: this.path(`${name}.json`) }).catch(() => undefined)
        return credential !== undefined
      },
      `${name} cannot be paired`,
      PAIRING_MS,
    )
    return credential as Credential
  }

  /** Whether a gateway has a connection to this server that it made since then, as it says itself. @param since milliseconds since the epoch */
  isConnected({ name }: GatewayProcess, server: Address, since: number): boolean {
    const file = join(this.path(name), 'status.json')
    if (!existsSync(file)) return false
    const { servers } = JSON.parse(readFileSync(file, 'utf8')) as Status
    const found = servers.find(({ address }) => address === formatHostPort(server))
    return found?.connected === true && Date.parse(found.since) >= since
  }

  /** All PNEs that the server knows. */
  pnes(): Promise<Pne[]> {
    return this.list<Pne>('/v1/pnes')
  }

  /** All pages of a list of the admin API. */
  async list<T>(path: string): Promise<T[]> {
    const items: T[] = []
    for (let next: string | null = ''; next !== null; ) {
      const page: Page<T> = await this.town.admin(`${path}?limit=1000${next && `&cursor=${encodeURIComponent(next)}`}`)
      items.push(...page.items)
      next = page.next
    }
    return items
  }

  /** Changes something by the admin API. */
  async post(path: string, body: object): Promise<Readonly<Record<string, string>>> {
    const { url, token } = await readAdminAccess(this.path('server'))
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json() as Promise<Record<string, string>>
  }

  async close(): Promise<void> {
    for (const gateway of this.#linked) gateway.close()
    await Promise.all(this.#machines.map((machine) => machine.close()))
  }
}

/** Of status.json, as a gateway writes it. */
interface Status {
  readonly servers: readonly { readonly address: string; readonly connected: boolean; readonly since: string }[]
}

/** Until authentications end so: `remote`, `local`. */
export async function becomes(result: string, attempt: Attempt): Promise<void> {
  await until(async () => (await outcomeOf(attempt)) === result, `no authentication ends as ${result}`, AT_LAST_MS)
}

interface GatewayPlace {
  /** Where it finds the server, if not at the real address. */
  readonly servers?: readonly Address[]
  /** Where it runs, if not here. */
  readonly machine?: Machine
}

export interface ServerProcess {
  readonly address: Address
  readonly running: Running
  /** Starts it where it was. */
  again(): Promise<Running>
}

export interface GatewayProcess {
  readonly name: string
  readonly running: Running
  readonly address: Address
  readonly log: GatewayLog
  /** Starts it where it was. */
  again(): Promise<Running>
}
