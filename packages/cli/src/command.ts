// How every command is declared: what it does, its options, examples, and the file that does it, loaded when it is called.
import { type Command, CommanderError, Option } from 'commander'
import { parseListen } from './endpoint.ts'
import { CliError } from './errors.ts'
import { codeOf, Exit, exitCodesInShort } from './exit.ts'
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
  /** How the message begins when it fails: `cannot …`. */
  readonly fails: string
}

const failures = new WeakMap<Command, string>()

/** A command that does something. @param usage  its name and arguments, as commander writes them */
export function declare(parent: Command, usage: string, { does, more, examples, fails }: Declaration): Command {
  const command = parent.command(usage)
  failures.set(command, fails)
  return command
    .summary(does)
    .description(`${sentence(does)}${more === undefined ? '' : `\n\n${more}`}`)
    .option('--json', 'print JSON for programs')
    .addOption(new Option('--log-level <level>', 'how much to log on stderr').choices(logLevels).default('info'))
    .addHelpText('after', after(examples))
}

/** A command that only holds others. */
export function declareGroup(parent: Command, name: string, does: string): Command {
  return parent.command(name).summary(does).description(sentence(does)).helpCommand(false)
}

/** `--NAME <host:port>`: where a command listens; without a default, only if it is given. Port 0 takes any free port. */
export function listenOption(flags: string, description: string, byDefault?: string): Option {
  const option = new Option(flags, description).argParser(parseListen)
  return byDefault === undefined ? option : option.default(parseListen(byDefault), byDefault)
}

/** The action of a command: `run(options, …arguments)` of a module that is loaded only now. */
export function lazily<O, A extends unknown[]>(
  load: () => Promise<{ run: (options: O, ...args: A) => Promise<Exit | undefined> }>,
) {
  return async function action(this: Command): Promise<void> {
    try {
      const { run } = await load()
      process.exitCode = (await run(this.opts() as O, ...(this.processedArgs as A))) ?? Exit.done
    } catch (error) {
      throw withContext(error, failures.get(this))
    }
  }
}

/** Collects an option that may be given several times. */
export function collect<T>(parse: (text: string) => T) {
  return (text: string, before: T[] | undefined): T[] => [...(before ?? []), parse(text)]
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** The roles say why and what to do; what failed, only the command knows. */
function withContext(error: unknown, fails: string | undefined): unknown {
  const code = codeOf(error)
  if (error instanceof CommanderError) return error // which has said all
  if (!(error instanceof Error) || code === undefined || fails === undefined || /^cannot /.test(error.message))
    return error
  return new CliError(code, `${fails}: ${error.message}`, { cause: error })
}

function after(examples: readonly string[]): string {
  const lines = examples.map((example) => `  $ opencpns ${example}`)
  return `\nExamples:\n${lines.join('\n')}\n\nExit codes: ${exitCodesInShort}`
}
