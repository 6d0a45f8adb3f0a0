// The roles for a bench, all in this process, in a temporary folder: a server, gateways and paired PNEs.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTicket, type Gateway, type GatewayOptions, runGateway } from '@opencpns/gateway'
import { formatHostPort, silent, writeFileAtomic } from '@opencpns/io'
import { type Credential, pair } from '@opencpns/pne'
import { initDataFolder, type RunningServer, readAdminAccess, runServer, type ServerOptions } from '@opencpns/server'

const REALM = 'example.org'
const anyPort = { host: '127.0.0.1', port: 0 }

export class Stage {
  readonly folder: string
  readonly server: RunningServer
  readonly #gateways: Gateway[] = []

  private constructor(folder: string, server: RunningServer) {
    this.folder = folder
    this.server = server
  }

  /** A server with one end user, alice. */
  static async open(options: Pick<ServerOptions, 'tracer'> = {}): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const dataDir = join(folder, 'server')
    await initDataFolder(dataDir, { realm: REALM })
    const server = await runServer({ dataDir, listen: anyPort, admin: anyPort, logger: silent, ...options })
    const stage = new Stage(folder, server)
    await stage.#admin('/v1/users', { name: 'alice' })
    return stage
  }

  /** What `opencpns gateway run` needs for a gateway of this name. */
  async register(name: string): Promise<{ credentialFile: string; dataDir: string; server: string }> {
    const { identity, secret } = await this.#admin('/v1/gateways', { name, user: 'alice' })
    const credential = { type: 'opencpns-gateway', version: 1, identity, realm: REALM, secret }
    const credentialFile = join(this.folder, `${name}.json`)
    await writeFileAtomic(credentialFile, JSON.stringify(credential))
    return { credentialFile, dataDir: join(this.folder, name), server: formatHostPort(this.server.addresses.cpns) }
  }

  async gateway(name: string, options: Pick<GatewayOptions, 'metrics' | 'tracer'> = {}): Promise<Gateway> {
    const { credentialFile, dataDir } = await this.register(name)
    const server = this.server.addresses.cpns
    const gateway = await runGateway({ credentialFile, dataDir, server, listen: anyPort, logger: silent, ...options })
    this.#gateways.push(gateway)
    return gateway
  }

  async pair(name: string, gatewayName: string): Promise<Credential> {
    const { uri } = await createTicket({ dataDir: join(this.folder, gatewayName), name })
    return pair({ uri, credentialFile: join(this.folder, `${name}.json`) })
  }

  async close(): Promise<void> {
    for (const gateway of this.#gateways) await gateway.close({ graceMs: 200 })
    await this.server.close({ graceMs: 200 })
    await rm(this.folder, { recursive: true, force: true })
  }

  async #admin(path: string, body: object): Promise<Record<string, string>> {
    const { url, token } = await readAdminAccess(join(this.folder, 'server'))
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json() as Promise<Record<string, string>>
  }
}
