// Stock programs of this machine: whether they are there, running one to its end, and keeping one until it is stopped.

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

const INSTALL = 'apt-get install eapoltest hostapd wpasupplicant freeradius radsecproxy iproute2 openssl'
const READY_MS = 60_000
const SAID_MAX = 200_000

/** Why a test that needs these programs cannot run here, with what to do about it; false where it can. */
export function without(...programs: string[]): string | false {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  return missing.length > 0 && `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing: ${INSTALL}`
}

export interface Ended {
  readonly code: number | string | null
  readonly output: string
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], timeoutMs = 60_000): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, maxBuffer: 8 * 1024 * 1024 }
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, output: stdout + stderr })
    })
  })
}

/** A program that stays, and what it said. */
export class Daemon {
  readonly #child: ChildProcess
  readonly #name: string
  #said = ''

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-SAID_MAX)
      })
    }
  }

  /** Starts it, and waits until it says `ready`. */
  static async start(program: string, args: readonly string[], ready: RegExp): Promise<Daemon> {
    const daemon = new Daemon(program, spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
    try {
      await daemon.says(ready)
      return daemon
    } catch (error) {
      await daemon.stop()
      throw error
    }
  }

  get said(): string {
    return this.#said
  }

  async says(what: RegExp): Promise<void> {
    const giveUp = Date.now() + READY_MS
    while (!what.test(this.#said)) {
      const ended = this.#child.exitCode !== null || this.#child.signalCode !== null
      if (ended || Date.now() > giveUp) throw new Error(`${this.#name} never said ${what}, but:\n${this.#said}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
    await exit
    clearTimeout(force)
  }
}
