// What is measured: a server as a process, and if it has one its database; gateways that are only links; what both have cost.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GatewayCredential, openServerLink, type ServerLink } from '@opencpns/gateway'
import { type Address, parseHostPort } from '@opencpns/io'
import { Result } from '@opencpns/protocol'
import { initDataFolder, readAdminAccess } from '@opencpns/server'
import { type Postgres, startPostgres } from '../../test/support/postgres.ts'
import { end, processorS } from '../radius/process.ts'
import { firstDocument, LAUNCHER } from '../tunnel/processes.ts'

const REALM = 'example.org'
/** Seconds of one tick of /proc/PID/stat: USER_HZ is 100 on every Linux. */
const TICK_S = 0.01

export class Subject {
  readonly gateway: GatewayCredential
  readonly address: Address
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #database: { readonly postgres: Postgres; readonly name: string } | undefined
  readonly #stop = new AbortController()

  private constructor(of: {
    gateway: GatewayCredential
    address: Address
    folder: string
    process: ChildProcess
    database: { readonly postgres: Postgres; readonly name: string } | undefined
  }) {
    this.gateway = of.gateway
    this.address = of.address
    this.#folder = of.folder
    this.#process = of.process
    this.#database = of.database
  }

  /** A server with one gateway. */
  static async open(store: 'SQLite' | 'PostgreSQL'): Promise<Subject> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-costs-'))
    const postgres = store === 'PostgreSQL' ? await startPostgres({ fsync: 'on' }) : undefined
    const url = await postgres?.createDatabase()
    const data = join(folder, 'server')
    await initDataFolder(data, { realm: REALM, store: url })
    const where = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--json', '--log-level', 'error']
    const child = spawn(process.execPath, [LAUNCHER, 'server', 'run', '--data', data, ...where], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(url !== undefined && { OPENCPNS_STORE: url }) },
    })
    const { listen } = await firstDocument<{ listen: { cpns: string } }>(child)
    return new Subject({
      ...{ folder, process: child, address: parseHostPort(listen.cpns) },
      gateway: await addFirstGateway(data),
      database: postgres && url !== undefined ? { postgres, name: new URL(url).pathname.slice(1) } : undefined,
    })
  }

  /** One more gateway. */
  addGateway(name: string): Promise<GatewayCredential> {
    return addGateway(join(this.#folder, 'server'), name)
  }

  /** One more link of a gateway. */
  link(credential = this.gateway): Promise<ServerLink> {
    const listener = {
      onRevocationNotice: () => {},
      onPolicyNotice: () => {},
      onRotationNotice: () => {},
      onTicketRequest: () => ({ result: Result.notPermitted }),
    }
    return openServerLink({ server: this.address, credential, signal: this.#stop.signal, listener })
  }

  /** Processor time of the server and of its database, in microseconds, while `act` runs. */
  async cost(act: () => Promise<unknown>): Promise<{ readonly serverUs: number; readonly databaseUs: number }> {
    const [server, database] = [this.#serverS(), this.#databaseS()]
    await act()
    await new Promise((resolve) => setTimeout(resolve, 500)) // what is written in the background belongs to it
    return { serverUs: (this.#serverS() - server) * 1e6, databaseUs: (this.#databaseS() - database) * 1e6 }
  }

  /** Resident memory of the server, in KiB. */
  get memoryKib(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#process.pid}/status`, 'utf8'))?.[1])
  }

  /** What the store takes on the disk, in octets. */
  async storeOctets(): Promise<number> {
    if (!this.#database) {
      return ['', '-wal'].reduce((sum, part) => sum + statSync(join(this.#folder, `server/cpns.db${part}`)).size, 0)
    }
    const { postgres, name } = this.#database
    const [row] = await postgres.sql(name, 'SELECT pg_database_size(current_database()) AS size')
    return Number(row?.['size'])
  }

  /** Revokes a PNE. */
  async revoke(pneId: string): Promise<void> {
    await admin(join(this.#folder, 'server'), `/v1/pnes/${pneId}/revoke`, {})
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await end(this.#process)
    await this.#database?.postgres.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #serverS(): number {
    return processorS(this.#process.pid ?? 0)
  }

  /** Of all processes of the database: those that are there, and those that were. */
  #databaseS(): number {
    if (!this.#database) return 0
    const [postmaster = ''] = readFileSync(join(this.#database.postgres.data, 'postmaster.pid'), 'utf8').split('\n')
    const [, fields = ''] = readFileSync(`/proc/${postmaster}/stat`, 'utf8').split(') ')
    const [cutime, cstime] = fields.split(' ').slice(13, 15)
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', postmaster]).toString().trim().split(/\s+/)
    const there = children.map(Number).reduce((sum, pid) => sum + processorS(pid), 0)
    return there + (Number(cutime) + Number(cstime)) * TICK_S
  }
}

async function addFirstGateway(data: string): Promise<GatewayCredential> {
  await admin(data, '/v1/users', { name: 'alice' })
  return addGateway(data, 'hub')
}

async function addGateway(data: string, name: string): Promise<GatewayCredential> {
  const { identity = '', secret = '' } = await admin(data, '/v1/gateways', { name, user: 'alice' })
  return { identity, realm: REALM, secret: Buffer.from(secret, 'base64url') }
}

async function admin(data: string, path: string, body: object): Promise<Record<string, string>> {
  const { url, token } = await readAdminAccess(data)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json() as Promise<Record<string, string>>
}
