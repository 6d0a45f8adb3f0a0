// The command line as real processes: commands that end, and servers and gateways that run until they are stopped.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { readGatewayStatus } from '@opencpns/gateway'
import { until } from '../../support/until.ts'

const LAUNCHER = fileURLToPath(new URL('../../../packages/cli/bin/opencpns.js', import.meta.url))
const READY_MS = 60_000

/** Runs a command to its end; gives the JSON that it printed. Rejects, with what it said on stderr, when it fails. */
export function opencpns<T>(...args: string[]): Promise<T> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [LAUNCHER, ...args, '--json'], { timeout: READY_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(`opencpns ${args.join(' ')}: ${stderr || error.message}`))
      else resolve(JSON.parse(stdout) as T)
    })
  })
}

export interface Running<Listen> {
  /** Where it listens, HOST:PORT by name. */
  readonly listen: Listen
  stop(): Promise<void>
}

/** Starts a command that stays, and waits until it says that it is ready. */
export async function start<Listen>(...args: string[]): Promise<Running<Listen>> {
  const child = spawn(process.execPath, [LAUNCHER, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096)
  })
  const giveUp = setTimeout(() => child.kill('SIGKILL'), READY_MS)
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, listen } = JSON.parse(line) as { event: string; listen: Listen }
    if (event !== 'ready') continue
    clearTimeout(giveUp)
    child.stdout.resume()
    return { listen, stop: () => stop(child) }
  }
  clearTimeout(giveUp)
  throw new Error(`opencpns ${args.join(' ')} did not get ready: ${said}`)
}

/** Until the gateway of this data folder has a connection to its server: it is ready before that. */
export async function linked(dataDir: string): Promise<void> {
  const isLinked = async () =>
    (await readGatewayStatus(dataDir)).live?.servers.some(({ connected }) => connected) ?? false
  await until(() => isLinked().catch(() => false), 'the gateway does not reach its server', READY_MS)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), 5000)
  await exit
  clearTimeout(force)
}
