// The tree of commands as a shell needs it: what may come next after each command.
import type { Command, Option } from 'commander'

/** What the value of an option, or an argument, is completed with. */
export type Kind = 'file' | 'folder' | 'other' | 'none'

export interface Value {
  readonly kind: Kind
  readonly choices: readonly string[]
}

export interface Flag extends Value {
  /** `--json`, and `-L` beside it. */
  readonly names: readonly string[]
  readonly says: string
}

export interface Node {
  /** Words that lead here: `server run`; empty for the program itself. */
  readonly path: string
  readonly says: string
  /** Names of its commands. */
  readonly commands: readonly { readonly name: string; readonly says: string }[]
  readonly flags: readonly Flag[]
  readonly argument: Value
}

/** Each command, the program itself first. */
export function nodesOf(command: Command, path = ''): Node[] {
  const { commands } = command
  const flags = [...command.options, ...helpOf(command)].map(flagOf)
  const node = {
    path,
    says: command.summary(),
    commands: commands.map((child) => ({ name: child.name(), says: child.summary() })),
    flags,
    argument: argumentOf(command),
  }
  return [node, ...commands.flatMap((child) => nodesOf(child, `${path} ${child.name()}`.trim()))]
}

/** All arguments of a command are of one kind. */
function argumentOf({ registeredArguments: [first] }: Command): Value {
  return first === undefined
    ? { kind: 'none', choices: [] }
    : { kind: kindOf(`<${first.name()}>`), choices: first.argChoices ?? [] }
}

function helpOf(command: Command): Option[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long === '--help')
}

function flagOf({ long, short, description, flags, argChoices }: Option): Flag {
  const names = [long, short].filter((name) => typeof name === 'string')
  return { names, says: description, kind: kindOf(flags), choices: argChoices ?? [] }
}

function kindOf(usage: string): Kind {
  if (/<file>/.test(usage)) return 'file'
  if (/<dir>/.test(usage)) return 'folder'
  return /[<[]/.test(usage) ? 'other' : 'none'
}
