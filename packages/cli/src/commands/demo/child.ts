// A role as a process of its own: this same command line, its first line on stdout, its log on stderr.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { CliError } from '../../errors.ts'
import type { LogLevel } from '../../log.ts'
import { note } from '../../output.ts'

const LAUNCHER = fileURLToPath(new URL('../../../bin/opencpns.js', import.meta.url))
/** A machine that does much else may take that long; a child that ends is noticed at once. */
const START_MS = 60_000
const STOP_MS = 5000
const LINES_MAX = 1000

export type LogLine = Readonly<Record<string, unknown>>

export class Child {
  readonly #name: string
  readonly #isShown: boolean
  readonly #process: ChildProcess
  readonly #log: LogLine[] = []
  readonly #waiting = new Set<() => void>()
  #lastWords = 'it said nothing'
  readonly #ready: Promise<LogLine>

  /** @param name  for messages: `the CPNS Server` */
  constructor(name: string, args: readonly string[], logLevel: LogLevel) {
    this.#name = name
    this.#isShown = logLevel === 'debug' || logLevel === 'trace'
    // The channel ends with this process, and the child with the channel, so that even SIGKILL leaves nobody behind.
    this.#process = spawn(
      process.execPath,
      [LAUNCHER, ...args, '--json', '--log-level', this.#isShown ? logLevel : 'info'],
      { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    )
    this.#process.channel?.unref()
    this.#ready = this.#firstLine()
    this.#ready.catch(() => undefined)
    this.#readLog()
  }

  /** The document that it prints once it serves. @throws {CliError} DEMO_FAILED */
  async ready(signal: AbortSignal): Promise<LogLine> {
    return within(START_MS, signal, this.#ready, `${this.#name} did not start`)
  }

  /** The first line of its log that is wanted, also among those of before. @throws {CliError} DEMO_FAILED */
  async logged(isWanted: (line: LogLine) => boolean, what: string, signal: AbortSignal): Promise<LogLine> {
    const { promise, resolve } = Promise.withResolvers<LogLine>()
    const look = () => {
      const line = this.#log.find(isWanted)
      if (line !== undefined) resolve(line)
    }
    this.#waiting.add(look)
    look()
    try {
      return await within(START_MS, signal, promise, `${this.#name} did not report ${what}`)
    } finally {
      this.#waiting.delete(look)
    }
  }

  /** Asks it to end, and insists after a while. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    const insist = setTimeout(() => this.kill(), STOP_MS)
    await exited
    clearTimeout(insist)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  async #firstLine(): Promise<LogLine> {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>()
    const lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream })
    lines.once('line', (line) => resolve(parse(line) ?? {}))
    this.#process.once('error', (cause) => reject(failed(`${this.#name} did not start: ${cause.message}`, cause)))
    this.#process.once('close', (code) =>
      reject(failed(`${this.#name} ended with exit code ${code}: ${this.#lastWords}`)),
    )
    return promise
  }

  #readLog(): void {
    createInterface({ input: this.#process.stderr as NodeJS.ReadableStream }).on('line', (text) => {
      if (this.#isShown) note(`${this.#name}: ${text}`)
      const line = parse(text)
      if (line === undefined) this.#lastWords = text
      else this.#log.push(line)
      if (this.#log.length > LINES_MAX) this.#log.shift()
      for (const look of this.#waiting) look()
    })
  }
}

/** @throws {CliError} DEMO_FAILED when it takes too long; the reason of `signal` when that is aborted */
async function within<T>(ms: number, signal: AbortSignal, promise: Promise<T>, failure: string): Promise<T> {
  const timeout = AbortSignal.timeout(ms)
  const either = AbortSignal.any([signal, timeout])
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = () => reject(timeout.aborted ? failed(`${failure} within ${ms / 1000} s`) : signal.reason)
  either.addEventListener('abort', end, { once: true })
  if (either.aborted) end()
  try {
    return await Promise.race([promise, ended])
  } finally {
    either.removeEventListener('abort', end)
  }
}

function failed(why: string, cause?: unknown): CliError {
  return new CliError('DEMO_FAILED', `cannot finish the demo: ${why}. Try again, with --log-level debug for more`, {
    cause,
  })
}

function parse(line: string): LogLine | undefined {
  try {
    const document: unknown = JSON.parse(line)
    return typeof document === 'object' && document !== null ? (document as LogLine) : undefined
  } catch {
    return undefined
  }
}
