// The entry: arguments in, exit code out. Whatever fails ends here as one line on stderr.
import { CommanderError } from 'commander'
import { Exit, exitOf } from './exit.ts'
import { logWritten } from './log.ts'
import { note } from './output.ts'
import { buildProgram } from './program.ts'
import { closeTelemetry } from './telemetry.ts'

/** @param args  without the names of node and of the program */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? Exit.done : Exit.internal),
  )
  process.on('uncaughtException', (error) => process.exit(report(error, args)))
  try {
    await buildProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error, args)
  }
  await closeTelemetry()
  await logWritten()
  // Nothing is left to do, whatever may still be open.
  process.stdout.write('', () => process.exit())
}

/** What failed, why, and what to do next; where it was thrown only for those who look for a bug. */
function report(error: unknown, args: readonly string[]): Exit {
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.done : Exit.usage
  const exit = exitOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const next = 'This is a bug: run it again with --log-level debug and report what it prints'
  note(exit === Exit.internal ? `opencpns: internal error: ${message}. ${next}` : `opencpns: ${message}`)
  if (/--log-level[ =](debug|trace)/.test(args.join(' ')) && error instanceof Error) note(traceOf(error))
  return exit
}

function traceOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${traceOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
