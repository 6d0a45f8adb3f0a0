// The configuration file of a gateway. What each key means: docs/services.md.
import type { Service } from '@opencpns/gateway'
import { parseDuration } from '../../duration.ts'
import { type Endpoint, formatEndpoint, parseEndpoint, parseListen } from '../../endpoint.ts'
import { by, Invalid, type Reader, readToml, table, tableOf, text, within, yesOrNo } from '../../toml.ts'
import type { Configured } from '../install/command-line.ts'
import { parseServer, type Server } from './server.ts'
import { isServiceName } from './service.ts'

const NAME_MAX_OCTETS = 64

export interface GatewayConfig {
  readonly credential?: string | undefined
  readonly identity?: string | undefined
  readonly data?: string | undefined
  readonly server?: readonly Server[] | undefined
  readonly secretFile?: string | undefined
  readonly listen?: Endpoint | undefined
  /** `HOST:PORT` each. */
  readonly advertise?: readonly string[] | undefined
  readonly metrics?: Endpoint | undefined
  readonly announce?: boolean | undefined
  /** Milliseconds. */
  readonly rotateAfter?: number | undefined
  readonly services: Readonly<Record<string, Service>>
}

/** @throws {CliError} CONFIG_UNREADABLE, CONFIG_INVALID */
export async function readConfig(file: string): Promise<GatewayConfig> {
  const {
    'secret-file': secretFile,
    'rotate-after': rotateAfter,
    services = {},
    ...settings
  } = await readToml(file, (path) => ({
    credential: path,
    identity: text,
    data: path,
    server: (value, at) => several(value, at, by(parseServer)),
    'secret-file': path,
    listen: by(parseListen),
    advertise: (value, at) => several(value, at, by(parseEndpoint)).map(formatEndpoint),
    metrics: by(parseListen),
    announce: yesOrNo,
    'rotate-after': by(parseDuration),
    services: servicesOf,
  }))
  return { ...settings, secretFile, rotateAfter, services }
}

/** For a unit that runs the gateway. @throws {CliError} CONFIG_UNREADABLE, CONFIG_INVALID */
export async function configured(file: string): Promise<Configured> {
  const { credential, secretFile, listen, metrics } = await readConfig(file)
  return { files: { credential, 'secret-file': secretFile }, listens: { listen, metrics } }
}

/** One, or a list. */
function several<T>(value: unknown, at: string, read: Reader<T>): T[] {
  const values = Array.isArray(value) ? value : [value]
  if (values.length === 0) throw new Invalid(at, 'is an empty list')
  return values.map((one) => read(one, at))
}

function servicesOf(value: unknown, at: string): Record<string, Service> {
  const services = Object.entries(tableOf(value)).map(([name, service]) => {
    const key = `${at}.${name}`
    if (!isServiceName(name)) throw new Invalid(key, 'is no name of a service: a to z, 0 to 9 and hyphens, 63 at most')
    return [name, within(key, () => serviceOf(service, key))] as const
  })
  return Object.fromEntries(services)
}

function serviceOf(value: unknown, at: string): Service {
  const readers = { address: by(parseEndpoint), pnes: names, users: names, 'proxy-protocol': yesOrNo }
  const { address, pnes, users, 'proxy-protocol': proxyProtocol } = table(value, at, readers)
  if (!address) throw new Invalid(at, 'has no address. Write for example address = "127.0.0.1:1883"')
  return { ...address, pnes, users, proxyProtocol }
}

function names(value: unknown): string[] {
  const isName = (one: unknown) => typeof one === 'string' && one !== '' && Buffer.byteLength(one) <= NAME_MAX_OCTETS
  if (Array.isArray(value) && value.every(isName)) return value
  throw new TypeError(`is not a list of names in quotes, each of 1 to ${NAME_MAX_OCTETS} octets`)
}
