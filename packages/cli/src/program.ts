// The tree of commands. A noun's commands are declared in its index.ts; what they do is loaded when they are called.
import { readFileSync } from 'node:fs'
import { Command, Help, type Option } from 'commander'
import { addAdmin } from './commands/admin/index.ts'
import { addBench } from './commands/bench/index.ts'
import { addCompletion } from './commands/completion/index.ts'
import { addDemo } from './commands/demo/index.ts'
import { addDoctor } from './commands/doctor/index.ts'
import { addGateway } from './commands/gateway/index.ts'
import { addPne } from './commands/pne/index.ts'
import { addServer } from './commands/server/index.ts'
import { exitCodesInShort } from './exit.ts'

const epilogue = `
Begin with:
  $ opencpns demo

Exit codes: ${exitCodesInShort}
Documentation: docs/cli.md. Help for each command: opencpns COMMAND --help`

export function buildProgram(): Command {
  const program = new Command('opencpns')
    .description('Secure sessions between devices (PNE), gateways (PN GW) and the operator (CPNS Server).')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'opencpns: ')) })
    .configureHelp({ visibleOptions })
    .addHelpText('after', epilogue)
    .exitOverride()
  for (const add of [addDemo, addServer, addGateway, addPne, addAdmin, addBench, addDoctor, addCompletion]) add(program)
  inherit(program)
  return program
}

/** What a command has of its own comes first, what every command has last. */
function visibleOptions(command: Command): Option[] {
  const shared = ['--json', '--log-level', '--help']
  const rank = ({ long = '' }: Option) => shared.indexOf(long ?? '')
  return new Help().visibleOptions(command).sort((one, other) => rank(one) - rank(other))
}

/** Commander hands its settings down only to commands made by `.command()` after them; the help of errors names its command. */
function inherit(command: Command, path = command.name()): void {
  command.showHelpAfterError(`For help: ${path} --help`)
  for (const child of command.commands) {
    child.copyInheritedSettings(command).helpOption('--help', 'print this help')
    inherit(child, `${path} ${child.name()}`)
  }
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}
