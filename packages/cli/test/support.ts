// Running the command line as its users do, and comparing whole outputs with files.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { readGatewayStatus } from '@opencpns/gateway'
import { until } from '../../../test/support/until.ts'

export const launcher = fileURLToPath(new URL('../bin/opencpns.js', import.meta.url))
/** So that nothing outlives a run of the tests that was cut off. */
const TIMEOUT_MS = 900_000

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a command to its end. */
export async function opencpns(...args: string[]): Promise<Outcome> {
  const child = start(...args)
  child.stdin?.end()
  return outcome(child)
}

export function start(...args: string[]): ChildProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' }
  delete env['FORCE_COLOR']
  return spawn(process.execPath, [launcher, ...args], { env, timeout: TIMEOUT_MS, stdio: 'pipe' })
}

export async function outcome(child: ChildProcess): Promise<Outcome> {
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
  ])
  const [code] = await closed
  return { code, stdout, stderr }
}

/** The first line of stdout as a document; fails with what it said on stderr when there is none. */
export async function firstDocument(child: ChildProcess): Promise<Record<string, Record<string, string>>> {
  const errors = text(child.stderr as NodeJS.ReadableStream)
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  for await (const line of lines) return JSON.parse(line)
  throw new Error(`it ended without a document: ${await errors}`)
}

/** Resolves as soon as the gateway of this data folder has its connection to the server: it listens before that. */
export function linked(dataDir: string): Promise<void> {
  return until(async () => (await readGatewayStatus(dataDir)).live?.server?.connected === true)
}

/** Asks a process to end, and waits until it has. */
export async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const [code] = await exited
  return code
}

/** A folder of its own, and what removes it. */
export function temporaryFolder(): { path: (...names: string[]) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-cli-test-'))
  return {
    path: (...names) => join(folder, ...names),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Compares with test/golden/NAME.txt; UPDATE_GOLDEN=1 writes it instead. */
export function assertGolden(name: string, actual: string): void {
  const file = new URL(`golden/${name}.txt`, import.meta.url)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, actual)
  assert.ok(existsSync(file), `there is no golden file ${name}.txt: make it with UPDATE_GOLDEN=1 and read it`)
  assert.equal(actual, readFileSync(file, 'utf8'))
}

/** One line, in the form of every error, without a stack trace. */
export function assertError({ code, stderr }: Outcome, exit: number, message: RegExp): void {
  assert.match(stderr, message)
  assert.equal(code, exit, stderr)
  assert.match(stderr.split('\n')[0] ?? '', /^opencpns: \S/)
  assert.doesNotMatch(stderr, /^ {4}at /m)
}
