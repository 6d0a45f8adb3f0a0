// Configuration files: TOML, read strictly. A key that is not known is refused, so that no slip goes unseen; an error names the
// key or the line.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { parse, TomlError } from 'smol-toml'
import { CliError } from './errors.ts'

const FILE_MAX_OCTETS = 1024 * 1024

/** Makes a value of a key into what it means. @throws what is wrong with it, in words that follow the key */
export type Reader<T> = (value: unknown, at: string) => T

/** A reader for each key that may be there. */
export type Readers<T> = { readonly [K in keyof T]: Reader<T[K]> }

/**
 * Reads a configuration file. None of its keys must be there.
 * @param readersOf what is known; `path` reads a path, which is relative to the folder of the file
 * @throws {CliError} CONFIG_UNREADABLE; CONFIG_INVALID: what is wrong in it, by line or key
 */
export async function readToml<T extends Record<string, unknown>>(
  file: string,
  readersOf: (path: Reader<string>) => Readers<T>,
): Promise<Partial<T>> {
  try {
    return table(
      parse(await read(file)),
      '',
      readersOf((value) => resolve(dirname(file), text(value))),
    )
  } catch (error) {
    throw explained(file, error)
  }
}

/** Reads each key of a table, none of which must be there, and refuses every other. */
export function table<T extends Record<string, unknown>>(value: unknown, at: string, readers: Readers<T>): Partial<T> {
  const read = Object.entries(tableOf(value)).map(([name, one]) => {
    const key = at === '' ? name : `${at}.${name}`
    if (!Object.hasOwn(readers, name)) {
      throw new Invalid(key, `is not known. Known here are ${Object.keys(readers).join(', ')}`)
    }
    return [name, within(key, () => readers[name]?.(one, key))] as const
  })
  return Object.fromEntries(read) as Partial<T>
}

export function tableOf(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) return value
  throw new TypeError('is not a table')
}

export function text(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError('is not a text. Write it in quotes')
}

export function yesOrNo(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError('is neither true nor false')
}

/** The same as an option of the command line. */
export function by<T>(parseOption: (text: string) => T): Reader<T> {
  return (value) => parseOption(text(value))
}

/** A key whose value cannot be. */
export class Invalid extends Error {
  constructor(key: string, what: string) {
    super(`${key} ${what}`)
  }
}

export function within<T>(key: string, read: () => T): T {
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
