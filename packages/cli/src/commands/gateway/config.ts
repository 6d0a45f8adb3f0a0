// The configuration file of a gateway: TOML, read strictly. What each key means: docs/services.md.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Service } from '@opencpns/gateway'
import { InvalidArgumentError } from 'commander'
import { parse, TomlError } from 'smol-toml'
import { type Endpoint, parseEndpoint, parseListen } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { parseServer, type Server } from './server.ts'
import { isServiceName } from './service.ts'

const FILE_MAX_OCTETS = 1024 * 1024
const NAME_MAX_OCTETS = 64

export interface GatewayConfig {
  readonly credential?: string | undefined
  readonly identity?: string | undefined
  readonly data?: string | undefined
  readonly server?: Server | undefined
  readonly secretFile?: string | undefined
  readonly listen?: Endpoint | undefined
  readonly services: Readonly<Record<string, Service>>
}

/**
 * Paths in the file are relative to its folder.
 * @throws {CliError} CONFIG_UNREADABLE; CONFIG_INVALID: what is wrong in it, by line or key
 */
export async function readConfig(file: string): Promise<GatewayConfig> {
  const path = (value: unknown) => resolve(dirname(file), text(value))
  try {
    const {
      'secret-file': secretFile,
      services = {},
      ...settings
    } = table(parse(await read(file)), '', {
      credential: path,
      identity: text,
      data: path,
      server: by(parseServer),
      'secret-file': path,
      listen: by(parseListen),
      services: servicesOf,
    })
    return { ...settings, secretFile, services }
  } catch (error) {
    throw explained(file, error)
  }
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

/** Makes a value of a key into what it means. @throws what is wrong with it, in words that follow the key */
type Reader<T> = (value: unknown, at: string) => T

/** Reads each key of a table, none of which must be there, and refuses every other. */
function table<T extends Record<string, unknown>>(
  value: unknown,
  at: string,
  readers: { readonly [K in keyof T]: Reader<T[K]> },
): Partial<T> {
  const read = Object.entries(tableOf(value)).map(([name, one]) => {
    const key = at === '' ? name : `${at}.${name}`
    if (!Object.hasOwn(readers, name)) {
      throw new Invalid(key, `is not known. Known here are ${Object.keys(readers).join(', ')}`)
    }
    return [name, within(key, () => readers[name]?.(one, key))] as const
  })
  return Object.fromEntries(read) as Partial<T>
}

function tableOf(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) return value
  throw new TypeError('is not a table')
}

function text(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError('is not a text. Write it in quotes')
}

function yesOrNo(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError('is neither true nor false')
}

function names(value: unknown): string[] {
  const isName = (one: unknown) => typeof one === 'string' && one !== '' && Buffer.byteLength(one) <= NAME_MAX_OCTETS
  if (Array.isArray(value) && value.every(isName)) return value
  throw new TypeError(`is not a list of names in quotes, each of 1 to ${NAME_MAX_OCTETS} octets`)
}

/** The same as an option of the command line. */
function by<T>(parseOption: (text: string) => T): Reader<T> {
  return (value) => parseOption(text(value))
}

/** A key whose value cannot be. */
class Invalid extends Error {
  constructor(key: string, what: string) {
    super(`${key} ${what}`)
  }
}

function within<T>(key: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof TypeError) throw new Invalid(key, error.message)
    if (error instanceof InvalidArgumentError) throw new Invalid(key, `cannot be so. ${error.message}`)
    throw error
  }
}

async function read(file: string): Promise<string> {
  let octets: Buffer
  try {
    octets = await readFile(file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`
    throw new CliError('CONFIG_UNREADABLE', `cannot use ${file}: ${why}. Check the path of --config`, { cause })
  }
  if (octets.length > FILE_MAX_OCTETS) throw new Invalid('the file', 'is larger than 1 MiB')
  return octets.toString()
}

function explained(file: string, error: unknown): unknown {
  const invalid = (what: string) => new CliError('CONFIG_INVALID', `cannot use ${file}: ${what}`, { cause: error })
  if (error instanceof Invalid) return invalid(error.message)
  if (!(error instanceof TomlError)) return error
  const [what = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
  return invalid(`line ${error.line}, column ${error.column} is not TOML: ${what}`)
}
