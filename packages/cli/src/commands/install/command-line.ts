// The options of a `run` command, as typed after `--`, as the unit has them: files become credentials that systemd passes in, those too
// that a configuration file names.
import { resolve } from 'node:path'
import type { Command, Option } from 'commander'
import type { Endpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { literal } from './unit.ts'

/** What a unit decides itself. */
const decided = ['--data', '--json']
const PRIVILEGED_PORTS = 1024
/** Of a URL: before the host, or behind the question mark. */
const WITH_PASSWORD = /^\w+:\/\/([^/@]*:[^/@]*@|[^?]*\?(.*&)?password=)/

export interface CommandLine {
  readonly words: readonly string[]
  readonly credentials: ReadonlyMap<string, string>
  readonly needsLowPort: boolean
}

/** What a configuration file says that the unit must know, by the names of the options. */
export interface Configured {
  readonly files: Readonly<Record<string, string | undefined>>
  readonly listens: Readonly<Record<string, Endpoint | undefined>>
}

/** @throws {CliError} CONFIG_UNREADABLE, CONFIG_INVALID */
export type ReadConfigured = (file: string) => Promise<Configured>

const unconfigured: Configured = { files: {}, listens: {} }

/**
 * @param run  the command whose options they are @param args  as typed @param read  the configuration file of that command, if it has one
 * @throws {CliError} USAGE, CONFIG_UNREADABLE, CONFIG_INVALID @throws {CommanderError} an option that the command does not have, or a value that it does not take
 */
export async function commandLine(run: Command, args: readonly string[], read?: ReadConfigured): Promise<CommandLine> {
  const { operands, unknown } = run.parseOptions([...args])
  const [stray] = [...operands, ...unknown]
  if (stray !== undefined) throw usage(run, `${stray} is no option of ${nameOf(run)}`)
  const credentials = new Map<string, string>()
  const words: string[] = []
  for (const { option, value } of pairs(run, args)) {
    const name = option.long ?? ''
    if (decided.includes(name)) throw usage(run, `${name} is not for you to give: the unit does`)
    if (value !== undefined && WITH_PASSWORD.test(value)) {
      throw usage(
        run,
        'a unit is for everybody to read, and that has a password in it: give the store with --store-file',
      )
    }
    words.push(name)
    if (value === undefined) continue
    const isFile = option.flags.includes('<file>')
    const credential = `${name.slice(2)}`
    if (isFile) credentials.set(credential, fileOf(run, value))
    words.push(isFile ? passedIn(credential) : literal(value))
  }
  const config = credentials.get('config')
  const { files, listens } = config === undefined || !read ? unconfigured : await read(config)
  for (const [credential, path] of Object.entries(files)) {
    if (path === undefined || credentials.has(credential)) continue
    credentials.set(credential, fileOf(run, path))
    words.push(`--${credential}`, passedIn(credential))
  }
  return { words, credentials, needsLowPort: listensBelow(run, listens, PRIVILEGED_PORTS) }
}

/** Where a file is, as a line of a unit can say it: that ends where the line does. */
function fileOf(run: Command, value: string): string {
  if (/\p{Cc}|\\$/u.test(value)) throw usage(run, 'the name of a file has a control character in it, or ends in \\')
  return resolve(value)
}

function passedIn(credential: string): string {
  return `\${CREDENTIALS_DIRECTORY}/${credential}`
}

/** Each option with what was typed for it. */
function* pairs(run: Command, args: readonly string[]): Generator<{ option: Option; value: string | undefined }> {
  const rest = [...args]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, flag = word, attached] = /^(--[^=]+)=(.*)$/s.exec(word) ?? []
    const option = run.options.find(({ long, short }) => long === flag || short === flag)
    if (option === undefined) throw usage(run, `${word} is no option of ${nameOf(run)}`)
    yield { option, value: option.required ? (attached ?? rest.shift()) : undefined }
  }
}

function listensBelow(run: Command, configured: Configured['listens'], limit: number): boolean {
  const isListener = ({ flags }: Option) => /^--(listen|admin|radius|radsec|metrics) <host:port>/.test(flags)
  return run.options.filter(isListener).some((option) => {
    const endpoint: Endpoint | undefined = run.opts()[option.attributeName()] ?? configured[option.name()]
    return endpoint !== undefined && endpoint.port > 0 && endpoint.port < limit
  })
}

function nameOf(run: Command): string {
  return `opencpns ${run.parent?.name()} ${run.name()}`
}

function usage(run: Command, what: string): CliError {
  return new CliError('USAGE', `${what}. For help: ${nameOf(run)} --help`)
}
