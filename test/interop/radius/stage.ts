// A real server with its RADIUS doors, and two devices that a real gateway paired, each as stock 802.1X software knows it.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linked, opencpns, type Running, start } from '../python/processes.ts'

export const REALM = 'example.org'

export interface Device {
  readonly pneId: string
  /** As `pne export --format json` gives it. */
  readonly identity: string
  readonly password: string
  /** The credential file. */
  readonly file: string
}

export class Stage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'stock-equipment-'))
  #doors: readonly string[]
  #server: Running<{ cpns: string; admin: string; radius: string; radsec: string }> | undefined

  /** @param doors  further options of `server run` */
  constructor(...doors: string[]) {
    this.#doors = doors
  }

  /** Instead of those that were given at first. */
  listen(...doors: string[]): void {
    this.#doors = doors
  }

  async open(): Promise<void> {
    await opencpns('server', 'init', '--data', this.path('server'), '--realm', REALM)
    const anyPort = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
    this.#server = await start('server', 'run', '--data', this.path('server'), ...anyPort, ...this.#doors)
    await this.admin('user', 'add', 'alice')
  }

  async close(): Promise<void> {
    await this.#server?.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  path(...names: string[]): string {
    return join(this.#folder, ...names)
  }

  /** The port of one of the server's doors. */
  port(door: 'radius' | 'radsec'): number {
    return Number(this.#server?.listen[door].split(':').at(-1))
  }

  admin<T>(...args: string[]): Promise<T> {
    return opencpns<T>('admin', ...args, '--data', this.path('server'))
  }

  /** A RADIUS gateway of this address; gives the shared secret. */
  async accessPoint(name: string, address: string): Promise<string> {
    const { secret } = await this.admin<{ secret: string }>(
      ...['gateway', 'add', name, '--user', 'alice', '--radius', address],
    )
    return secret
  }

  /** Pairs devices with a gateway of ours, which is gone afterwards. */
  async pair(...names: string[]): Promise<Device[]> {
    const [credential, data] = [this.path('home.json'), this.path('home')]
    await this.admin('gateway', 'add', 'home', '--user', 'alice', '--out', credential)
    const server = this.#server?.listen.cpns ?? ''
    const where = ['--credential', credential, '--data', data, '--server', server, '--listen', '127.0.0.1:0']
    const gateway = await start<{ pne: string }>('gateway', 'run', ...where)
    try {
      await linked(data)
      const devices: Device[] = []
      for (const name of names) devices.push(await this.#pairOne(name, data, gateway.listen.pne))
      return devices
    } finally {
      await gateway.stop()
    }
  }

  async #pairOne(name: string, data: string, address: string): Promise<Device> {
    const file = this.path(`${name}.json`)
    const ticket = ['gateway', 'pair', '--data', data, '--address', address, '--name', name]
    const { uri } = await opencpns<{ uri: string }>(...ticket)
    const { pneId } = await opencpns<{ pneId: string }>('pne', 'pair', uri, '--credential', file)
    const exported = ['pne', 'export', '--credential', file, '--format', 'json']
    const { identity, password } = await opencpns<{ identity: string; password: string }>(...exported)
    return { pneId, identity, password, file }
  }

  revoke({ pneId }: Device): Promise<unknown> {
    return this.admin('pne', 'revoke', pneId)
  }

  /** Why the newest authentication ended as it did; null for success. */
  async newestReason(): Promise<string | null> {
    const { items } = await this.admin<{ items: { type: string; reason: string | null }[] }>('event', 'list')
    const newest = items.find(({ type }) => type === 'authentication')
    if (newest === undefined) throw new Error('no authentication has happened')
    return newest.reason
  }

  /** A certificate of a throw-away CA, `ca.pem`; gives its files. */
  certificate(name: string, subjectAltName: string): { cert: string; key: string; ca: string } {
    const [ca, caKey] = [this.path('ca.pem'), this.path('ca.key')]
    const key = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'.split(' ')
    const openssl = (...args: string[]) => execFileSync('openssl', [...key, ...args], { stdio: 'ignore' })
    if (!exists(ca)) openssl('-subj', '/CN=throw-away CA', '-keyout', caKey, '-out', ca)
    const files = { cert: this.path(`${name}.pem`), key: this.path(`${name}.key`), ca }
    const extensions = ['-addext', `subjectAltName=${subjectAltName}`, '-addext', 'basicConstraints=CA:FALSE']
    openssl('-subj', `/CN=${name}`, ...extensions, '-CA', ca, '-CAkey', caKey, '-keyout', files.key, '-out', files.cert)
    return files
  }
}

function exists(path: string): boolean {
  try {
    return readFileSync(path).length > 0
  } catch {
    return false
  }
}
