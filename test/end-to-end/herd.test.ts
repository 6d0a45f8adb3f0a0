// All devices of a gateway lose it at once, and come back: within a minute of its return all are there, and none was turned
// away for good. 500 devices; OPENCPNS_LONG=1 has 5,000, and OPENCPNS_HERD any number.

import assert from 'node:assert/strict'
import { type ChildProcess, execSync, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { claimDataFolder } from '../../packages/gateway/src/keystore/data-folder.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'
import type { Report } from './herd-devices.ts'
import { Machine, type Running } from './processes.ts'

const LONG = process.env['OPENCPNS_LONG'] === '1'
const COUNT = Number(process.env['OPENCPNS_HERD'] ?? (LONG ? 5000 : 500))
const SIGNALS = LONG ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGKILL'] as const)
const PROCESSES = 2
const BACK_MS = 60_000
const DOWN_MS = 1000
const DEVICES = fileURLToPath(new URL('herd-devices.ts', import.meta.url))
const [realm, gateway] = ['example.org', 'home-gw@example.org']

/** Node raises the limit of a process to the hardest that it may. */
const filesMax = Number(execSync('ulimit -Hn', { shell: '/bin/sh' }).toString()) || Number.POSITIVE_INFINITY
const skip =
  filesMax < COUNT + 200 && `${COUNT} connections need a higher limit of open files: ulimit -Hn is ${filesMax}`

const text = (octets: Uint8Array) => Buffer.from(octets).toString('base64url')

/** A gateway's data folder in which the devices are, as if it had paired them; gives their credentials. */
async function furnish(dir: string): Promise<object[]> {
  const folder = await claimDataFolder(dir, { identity: gateway, realm })
  const devices = Array.from({ length: COUNT }, (_, index) => ({
    ...{ pneId: `pne-${index}`, realm, gateway },
    ...{ secondSeed: randomBytes(32), euKey: randomBytes(32) },
  }))
  for (const { secondSeed, ...assigned } of devices) folder.keys.storePending(secondSeed, assigned)
  folder.close()
  const db = new DatabaseSync(join(dir, 'gateway.db'))
  db.exec(`UPDATE eu_keys SET state = 'active'`)
  db.close()
  return devices.map(({ secondSeed, euKey, ...names }) => ({
    ...{ ...names, secondSeed: text(secondSeed), euKey: text(euKey) },
  }))
}

class Herd {
  readonly #children: ChildProcess[] = []
  readonly #reports: Report[] = []

  constructor(files: readonly string[], port: number) {
    this.#children = files.map((file, index) => {
      const child = fork(DEVICES, [file, String(port)], { execArgv: [] })
      child.on('message', (report) => {
        this.#reports[index] = report as Report
      })
      return child
    })
  }

  get connected(): number {
    return this.#reports.reduce((sum, report) => sum + report.connected, 0)
  }

  get lastAt(): number {
    return Math.max(...this.#reports.map(({ lastAt }) => lastAt))
  }

  /** Failed attempts so far, by code. */
  failures(): Record<string, number> {
    const sum: Record<string, number> = {}
    for (const { failures } of this.#reports) {
      for (const [code, count] of Object.entries(failures)) sum[code] = (sum[code] ?? 0) + count
    }
    return sum
  }

  async close(): Promise<void> {
    const gone = this.#children.map((child) => once(child, 'exit'))
    for (const child of this.#children) child.send('close')
    await Promise.all(gone)
  }
}

async function herd(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'opencpns-herd-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const devices = await furnish(join(dir, 'home'))
  const credential = { type: 'opencpns-gateway', version: 1, identity: gateway, realm, secret: text(randomBytes(32)) }
  writeFileSync(join(dir, 'home.json'), JSON.stringify(credential), { mode: 0o600 })
  const machine = new Machine()
  t.after(() => machine.close())
  const start = (listen: string) => {
    const files = ['--credential', join(dir, 'home.json'), '--data', join(dir, 'home')]
    const quiet = ['--server', '127.0.0.1:1', '--log-level', 'error']
    return machine.start('gateway', 'run', ...files, ...quiet, '--listen', listen)
  }
  const port = await freePort()
  const address = `127.0.0.1:${port}`
  const first = await start(address)
  const files = Array.from({ length: PROCESSES }, (_, index) => {
    const file = join(dir, `devices-${index}.json`)
    writeFileSync(file, JSON.stringify(devices.filter((_, number) => number % PROCESSES === index)))
    return file
  })
  const all = new Herd(files, port)
  t.after(() => all.close())
  return { all, first, again: () => start(address) }
}

async function everybody(all: Herd, what: string): Promise<void> {
  const missing = () => `${what}: ${all.connected} of ${COUNT}, ${JSON.stringify(all.failures())}`
  await until(() => all.connected === COUNT, missing(), BACK_MS + 5000).catch(() => {
    throw new Error(missing())
  })
}

test(`${COUNT} devices come back to a gateway that restarts`, { skip, timeout: 600_000 }, async (t) => {
  const { all, first, again } = await herd(t)
  await everybody(all, 'at first')
  let running: Running = first
  for (const signal of SIGNALS) {
    const before = all.failures()
    await running.stop(signal)
    await until(() => all.connected === 0, `after ${signal} the devices did not notice`)
    await new Promise((resolve) => setTimeout(resolve, DOWN_MS))
    running = await again()
    const since = Date.now()
    await everybody(all, `after ${signal}`)
    const ms = all.lastAt - since
    const attempts = Object.entries(all.failures()).map(([code, count]) => `${count - (before[code] ?? 0)} ${code}`)
    t.diagnostic(`after ${signal}: all ${COUNT} back in ${(ms / 1000).toFixed(1)} s; failed attempts: ${attempts}`)
    assert.ok(ms < BACK_MS, `${ms} ms`)
  }
})
