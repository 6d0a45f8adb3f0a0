// How every command is declared: what it does, its options, examples, and the file that does it, loaded when it is called.
import { type Command, Option } from 'commander'
import { Exit, exitCodesInShort } from './exit.ts'
import { type LogLevel, logLevels } from './log.ts'

/** What every command has. */
export interface CommonOptions {
  json?: true
  logLevel: LogLevel
}

export interface Declaration {
  /** One line, for the list of commands. */
  readonly does: string
  /** What else one needs to know. */
  readonly more?: string
  readonly examples: readonly string[]
}

/** A command that does something. @param usage  its name and arguments, as commander writes them */
export function declare(parent: Command, usage: string, { does, more, examples }: Declaration): Command {
  return parent
    .command(usage)
    .summary(does)
    .description(more === undefined ? does : `${does}\n\n${more}`)
    .option('--json', 'print JSON for programs')
    .addOption(new Option('--log-level <level>', 'how much to log on stderr').choices(logLevels).default('info'))
    .addHelpText('after', after(examples))
}

/** A command that only holds others. */
export function declareGroup(parent: Command, name: string, does: string): Command {
  return parent.command(name).summary(does).description(does).helpCommand(false)
}

/** The action of a command: `run(options, …arguments)` of a module that is loaded only now. */
export function lazily<O>(load: () => Promise<{ run: (options: O, ...args: string[]) => Promise<Exit | undefined> }>) {
  return async function action(this: Command): Promise<void> {
    const { run } = await load()
    process.exitCode = (await run(this.opts() as O, ...this.args)) ?? Exit.done
  }
}

/** Collects an option that may be given several times. */
export function collect<T>(parse: (text: string) => T) {
  return (text: string, before: T[] | undefined): T[] => [...(before ?? []), parse(text)]
}

function after(examples: readonly string[]): string {
  const lines = examples.map((example) => `  $ opencpns ${example}`)
  return `\nExamples:\n${lines.join('\n')}\n\nExit codes: ${exitCodesInShort}`
}
