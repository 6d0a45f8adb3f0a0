// Where a PostgreSQL database is and how to reach it: postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=… as libpq reads it
// (postgresql.org/docs/current/libpq-connect.html), but safe when nothing is said: TLS with a verified certificate, unless the
// database is on this machine. The password never leaves this object but for the connection.
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { inspect } from 'node:util'
import { StoreError } from '../contract.ts'

const TEXT_MAX = 2048
const PORT = 5432
const CONNECTIONS = 10
const CONNECTIONS_MAX = 100

const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const
type SslMode = (typeof sslModes)[number]

/** What may stand behind the question mark. `connections` is ours: at most how many a process opens, 10 unless told. */
const parameters = ['host', 'port', 'user', 'password', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'connections']

export class PostgresAddress {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string | undefined
  readonly connections: number
  readonly #password: string | undefined
  readonly #sslMode: SslMode
  readonly #files: { ca: string | null; cert: string | null; key: string | null }

  /** @throws {StoreError} STORE_ADDRESS_INVALID, without the text: it may hold a password */
  constructor(text: string) {
    const url = parse(text)
    const given = url.searchParams
    checkParameters(given)
    this.host = given.get('host') ?? (decode(url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost')
    this.port = whole(given.get('port') ?? (url.port || `${PORT}`), 65_535, 'port')
    this.user = given.get('user') ?? (decode(url.username) || undefined)
    this.database = decode(url.pathname.slice(1)) || this.user || 'opencpns'
    this.connections = whole(given.get('connections') ?? `${CONNECTIONS}`, CONNECTIONS_MAX, 'connections')
    this.#password = given.get('password') ?? (decode(url.password) || undefined)
    this.#sslMode = sslModeOf(given.get('sslmode'), this.host)
    this.#files = { ca: given.get('sslrootcert'), cert: given.get('sslcert'), key: given.get('sslkey') }
    Object.freeze(this)
  }

  /** What `pg` needs. The password is a function, so that nothing that prints the options prints it. */
  connection() {
    const { host, port, database, user } = this
    const password = this.#password
    const secret = password === undefined ? {} : { password: () => password }
    return { host, port, database, ...(user === undefined ? {} : { user }), ...secret, ssl: this.#ssl() }
  }

  /** Without the password. */
  toString(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    const user = this.user === undefined ? '' : `${encodeURIComponent(this.user)}@`
    const where = host.startsWith('/') ? '' : `${host}:${this.port}`
    const socket = host.startsWith('/') ? `?host=${host}&port=${this.port}` : ''
    return `postgres://${user}${where}/${encodeURIComponent(this.database)}${socket}`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }

  #ssl(): ConnectionOptions | false {
    if (this.#sslMode === 'disable') return false
    const { ca, cert, key } = this.#files
    const files = { ...read('ca', ca), ...read('cert', cert), ...read('key', key) }
    const options = { ...files, minVersion: 'TLSv1.2' } as const
    if (this.#sslMode === 'verify-full') return options
    if (this.#sslMode === 'require') return { ...options, rejectUnauthorized: false }
    return { ...options, checkServerIdentity: () => undefined }
  }
}

function parse(text: string): URL {
  const scheme = /^postgres(ql)?:\/\//
  if (text.length > TEXT_MAX || !scheme.test(text)) throw invalid('it does not begin with postgres://')
  // A URL without a host is right here (the host may be a parameter, or this machine) and wrong in general.
  const authority = text.replace(scheme, '')
  const withHost = /^([^/?]*@)?(?=[/?]|$)/.test(authority) ? authority.replace(/^[^/?]*/, '$&localhost') : authority
  const url = URL.parse(`postgres://${withHost}`)
  if (url === null || url.hash !== '') throw invalid('special characters of a name or password must be written as %XX')
  if (url.hostname.includes(',')) throw invalid('it names several hosts: name one')
  return url
}

function checkParameters(given: URLSearchParams): void {
  for (const name of given.keys()) {
    if (!parameters.includes(name)) throw invalid(`its parameters may be ${parameters.join(', ')}`)
    if (given.getAll(name).length > 1) throw invalid(`it gives ${name} twice`)
  }
}

function sslModeOf(text: string | null, host: string): SslMode {
  if (text === null) return isThisMachine(host) ? 'disable' : 'verify-full'
  const mode = sslModes.find((known) => known === text)
  if (mode === undefined) throw invalid(`sslmode may be ${sslModes.join(', ')}`)
  return mode
}

function isThisMachine(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function whole(text: string, max: number, name: string): number {
  const value = Number(text)
  if (/^\d{1,5}$/.test(text) && value >= 1 && value <= max) return value
  throw invalid(`${name} must be from 1 to ${max}`)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('special characters of a name or password must be written as %XX')
  }
}

function read<Name extends string>(name: Name, file: string | null): { [_ in Name]?: string } {
  if (file === null) return {}
  try {
    return { [name]: readFileSync(file, 'utf8') } as { [_ in Name]: string }
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new StoreError(
      'STORE_ADDRESS_INVALID',
      `${file} cannot be read (${reason}): check its name and permissions`,
      {
        cause,
      },
    )
  }
}

function invalid(why: string): StoreError {
  return new StoreError(
    'STORE_ADDRESS_INVALID',
    `this is not the address of a database: ${why}. Use postgres://USER@HOST:PORT/DATABASE`,
  )
}
