// Commands of opencpns as processes of their own, here or in a network namespace, and the documents that they print.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { until } from '../support/until.ts'

const LAUNCHER = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))
const DOCUMENT_MS = 90_000

export type Document = Readonly<Record<string, unknown>>

/** A piece of what a command printed. */
interface Said {
  readonly command: string
  readonly stream: 'stdout' | 'stderr'
  readonly octets: Buffer
}

/** Where commands run. */
export class Machine {
  readonly #prefix: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  readonly #running: Running[] = []
  /** All that all commands have printed so far. */
  readonly said: Said[] = []

  /** @param namespace of `ip netns`; without it, here  @param env what commands find in their environment beside ours */
  constructor(namespace?: string, env: NodeJS.ProcessEnv = {}) {
    this.#prefix = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]
    this.#env = env
  }

  /** Runs a command to its end, and gives its one document. */
  async opencpns(...args: string[]): Promise<Document> {
    const { code, stdout, stderr } = await this.attempt(...args)
    if (code !== 0) throw new Error(`opencpns ${args.join(' ')}: exit code ${code}: ${stderr}`)
    return JSON.parse(stdout)
  }

  async attempt(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = this.#spawn(...args)
    const closed = once(child, 'close')
    const [stdout, stderr] = await Promise.all([text(child.stdout as never), text(child.stderr as never)])
    const [code] = await closed
    return { code, stdout, stderr }
  }

  /** Starts a command that stays, and waits for its first document. */
  async start(...args: string[]): Promise<Running> {
    const running = new Running(this.#spawn(...args), args.join(' '))
    this.#running.push(running)
    await running.document(() => true)
    return running
  }

  /** Ends all that still runs. */
  async close(): Promise<void> {
    await Promise.all(this.#running.map((one) => one.stop()))
  }

  #spawn(...args: string[]): ChildProcess {
    const [program = '', ...rest] = [...this.#prefix, process.execPath, LAUNCHER, ...args, '--json']
    const env = { ...process.env, ...this.#env }
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env })
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (octets: Buffer) => this.said.push({ command: args.join(' '), stream, octets }))
    }
    return child
  }
}

export class Running {
  readonly documents: Document[] = []
  readonly #child: ChildProcess
  readonly #name: string
  /** Resolves when it has ended and all that it printed is here. */
  readonly #closed: Promise<void>
  #isOver = false
  #errors = ''

  constructor(child: ChildProcess, name: string) {
    this.#child = child
    this.#name = name
    this.#closed = new Promise((resolve) => child.once('close', resolve))
    void this.#closed.then(() => {
      this.#isOver = true
    })
    child.stderr?.on('data', (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-4000)
    })
    createInterface({ input: child.stdout as never }).on('line', (line) => this.documents.push(JSON.parse(line)))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The first document that is wanted, of those from number `from` on. */
  async document(isWanted: (document: Document) => boolean, from = 0): Promise<Document> {
    let found: Document | undefined
    await until(
      () => {
        found = this.documents.slice(from).find(isWanted)
        if (!found && this.#isOver) throw new Error(`${this.#name} has ended: ${this.#errors}`)
        return found !== undefined
      },
      `${this.#name} did not print it`,
      DOCUMENT_MS,
    ).catch((error: Error) => {
      throw new Error(`${error.message}. It printed ${JSON.stringify(this.documents)} and ${this.#errors}`)
    })
    return found as Document
  }

  /** @returns its exit code; by then all that it printed is here, unless it was killed */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
    if (signal !== 'SIGKILL') await this.#closed
    return child.exitCode
  }
}
