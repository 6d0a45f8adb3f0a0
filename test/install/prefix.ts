// The packages as they are published, installed by npm into a folder that has nothing of the checkout, and run from there.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { Running } from '../end-to-end/processes.ts'

const NPM_MS = 600_000

/** Writes the address of each module that is loaded into a file: what a command is made of. */
const RECORDER = `
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) appendFileSync(process.env.MODULES_LOADED, url + '\\n')
    return next(url, context)
  },
})
`

/** Runs npm, with this Node. @throws {Error} with what it said */
export async function npm(...args: string[]): Promise<string> {
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  const { stdout } = await promisify(execFile)('npm', args, { timeout: NPM_MS, env: { ...process.env, PATH } })
  return stdout
}

/** Why packages of others cannot be had here; undefined when they can. */
export async function whyNoRegistry(): Promise<string | undefined> {
  try {
    await npm('view', 'cborg', 'version', '--fetch-retries=0', '--fetch-timeout=10000')
    return undefined
  } catch {
    return 'the npm registry cannot be reached, and the packages of others come from there'
  }
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A prefix of `npm install -g`, and a folder to work in that is not the checkout. */
export class Prefix {
  readonly folder: string
  readonly #node: string
  readonly #running: Running[] = []

  /** @param folder an empty one  @param node the Node that runs the commands */
  constructor(folder: string, node = process.execPath) {
    this.folder = folder
    this.#node = node
  }

  async install(tarballs: readonly string[]): Promise<void> {
    await npm('install', '--global', '--prefix', join(this.folder, 'prefix'), '--no-audit', '--no-fund', ...tarballs)
    await mkdir(join(this.folder, 'work'))
    await writeFile(join(this.folder, 'recorder.mjs'), RECORDER)
  }

  async opencpns(...args: string[]): Promise<Outcome> {
    const child = this.#spawn(args)
    const closed = once(child, 'close')
    const [stdout, stderr] = await Promise.all([text(child.stdout as never), text(child.stderr as never)])
    const [code] = await closed
    return { code, stdout, stderr }
  }

  /** Runs a command that ends, with `--json`. @throws {Error} with what it said, unless it ends with exit code 0 */
  async document(...args: string[]): Promise<Record<string, never>> {
    const { code, stdout, stderr } = await this.opencpns(...args, '--json')
    if (code !== 0) throw new Error(`opencpns ${args.join(' ')}: exit code ${code}: ${stderr}`)
    return JSON.parse(stdout)
  }

  /** Starts a command that stays; gives its first document. */
  async start(...args: string[]): Promise<{ listen: Record<string, string> }> {
    const running = new Running(this.#spawn([...args, '--json']), args.join(' '))
    this.#running.push(running)
    return (await running.document(() => true)) as never
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((one) => one.stop()))
  }

  /** Modules that the commands have loaded, which are not below the prefix. */
  strangers(): string[] {
    const own = [this.#path('prefix'), this.#path('recorder.mjs')].map((path) => pathToFileURL(path).href)
    const loaded = new Set(readFileSync(this.#path('modules.txt'), 'utf8').trim().split('\n'))
    return [...loaded].filter((url) => !own.some((start) => url.startsWith(start)))
  }

  #spawn(args: readonly string[]): ChildProcess {
    const command = this.#path('prefix', 'bin', 'opencpns')
    if (!existsSync(command)) throw new Error('npm has made no command opencpns')
    const env = {
      PATH: `${dirname(this.#node)}${delimiter}/usr/bin${delimiter}/bin`,
      HOME: this.folder,
      NO_COLOR: '1',
      NODE_OPTIONS: `--import=${pathToFileURL(this.#path('recorder.mjs')).href}`,
      MODULES_LOADED: this.#path('modules.txt'),
    }
    return spawn(this.#node, [command, ...args], { cwd: this.#path('work'), env, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  #path(...names: string[]): string {
    return join(this.folder, ...names)
  }
}
