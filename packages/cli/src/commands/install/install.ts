// `opencpns server install` and `opencpns gateway install`: a systemd unit for `run`, written or only shown.
import { accessSync, constants, existsSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeFileAtomic } from '@opencpns/io'
import type { Command } from 'commander'
import type { CommonOptions } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { note, print, printJson, printResult } from '../../output.ts'
import { type CommandLine, commandLine, type ReadConfigured } from './command-line.ts'
import { literal, MARK, unitText } from './unit.ts'

const LAUNCHER = fileURLToPath(new URL('../../../bin/opencpns.js', import.meta.url))
/** It names a file, folders and a line of the unit. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
/** What a unit hides from its service: ProtectHome= and PrivateTmp=. */
const hidden = ['/home/', '/root/', '/run/user/', '/tmp/', '/var/tmp/']

interface Options extends CommonOptions {
  dryRun?: true
  uninstall?: true
  name: string
  unitDir: string
}

export interface Role {
  readonly name: 'server' | 'gateway'
  readonly description: string
  /** Its command that stays. */
  readonly run: Command
  readonly needsInterfaces: boolean
  /** Its --config, if it has one. */
  readonly configured?: ReadConfigured
  /** What must be done before it can start. */
  before(dataDir: string): readonly string[]
}

export function installer(role: Role) {
  return async function run(options: Options, args: string[] = []): Promise<undefined> {
    if (!NAME.test(options.name)) {
      throw new CliError('USAGE', 'the name of a unit has 1 to 64 letters, digits, dots, hyphens and underscores')
    }
    const path = join(options.unitDir, `${options.name}.service`)
    if (options.uninstall) uninstall(path, options)
    else await install(path, role, options, args)
  }
}

async function install(path: string, role: Role, { name, dryRun, json }: Options, args: string[]): Promise<void> {
  const line = await commandLine(role.run, args, role.configured)
  const dataDir = `/var/lib/${name}`
  const program = [literal(realpathSync(process.execPath)), literal(LAUNCHER), role.name, 'run', '--data', `%S/${name}`]
  const { description, needsInterfaces } = role
  const text = unitText({ name, description, ...line, command: [...program, ...line.words], needsInterfaces })
  const commands = [...role.before(dataDir), 'systemctl daemon-reload', `systemctl enable --now ${name}`]
  if (dryRun) {
    warnOfHidden()
    return json ? printJson({ unit: name, path, text, next: commands }) : print(text.trimEnd())
  }
  checkReachable(line)
  if (existsSync(path)) checkOurs(path)
  await write(path, text)
  const words = [`Written: ${path}. Next:`, ...commands.map((command) => `  ${command}`)]
  printResult(json, { unit: name, path, text, next: commands }, words.join('\n'))
}

function uninstall(path: string, { name, dryRun, json }: Options): void {
  if (!existsSync(path))
    throw new CliError('UNIT_MISSING', `there is no unit ${path}: look at systemctl status ${name}`)
  checkOurs(path)
  const next = [`systemctl stop ${name}`, 'systemctl daemon-reload']
  const document = { unit: name, path, next }
  if (!dryRun) remove(path)
  const words = [
    `${dryRun ? 'It would remove' : 'Removed'}: ${path}. Next:`,
    ...next.map((command) => `  ${command}`),
    `What it stored stays in /var/lib/private/${name}.`,
  ]
  printResult(json, document, words.join('\n'))
}

/** @throws {CliError} UNIT_UNREACHABLE: the service would not find its program, or a file */
function checkReachable({ credentials }: CommandLine): void {
  const program = unreachable()
  if (program !== undefined) {
    const why = `the service could not see ${program}: it has no access to home folders and /tmp`
    throw new CliError(
      'UNIT_UNREACHABLE',
      `${why}. Install Node and @opencpns/cli for the whole machine, as in /usr/local`,
    )
  }
  for (const path of credentials.values()) {
    try {
      accessSync(path, constants.R_OK)
    } catch (cause) {
      throw new CliError('UNIT_UNREACHABLE', `cannot read ${path}: put it there first, for root alone`, { cause })
    }
  }
}

function warnOfHidden(): void {
  const program = unreachable()
  if (program !== undefined) note(`The service could not see ${program}: install Node and @opencpns/cli in /usr/local.`)
}

function unreachable(): string | undefined {
  const programs = [process.execPath, LAUNCHER].map((path) => realpathSync(path))
  return programs.find((path) => hidden.some((folder) => path.startsWith(folder)))
}

function checkOurs(path: string): void {
  if (readFileSync(path, 'utf8').startsWith(MARK)) return
  throw new CliError('UNIT_NOT_OURS', `${path} was written by somebody else: move it away, or give another --name`)
}

function remove(path: string): void {
  try {
    rmSync(path)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(path, text, { mode: 0o644 })
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

function unwritable(path: string, cause: unknown): CliError {
  return new CliError('UNIT_UNWRITABLE', `${path} cannot be changed: run it as root, or look with --dry-run`, { cause })
}
