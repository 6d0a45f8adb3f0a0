// `opencpns bench load` as its users run it, against a real server.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../../test/support/until.ts'
import type { Report } from '../../src/commands/bench/report.ts'
import { assertError, firstDocument, linked, opencpns, outcome, start, stop, temporaryFolder } from '../support.ts'

const { path, remove } = temporaryFolder()
const data = path('server')
let server: ChildProcess
let address: string
/** Devices that the server has told of in its log. */
let authenticated = 0
/** What the processes of the loads of this test have in their environment, and no others. */
const mark = `LOAD_TEST=${data}`

before(async () => {
  process.env['LOAD_TEST'] = data
  await opencpns('server', 'init', '--data', data, '--realm', 'example.org')
  const where = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  server = start('server', 'run', '--data', data, ...where, '--json')
  createInterface({ input: server.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    if (JSON.parse(line).event === 'authentication') authenticated++
  })
  address = (await firstDocument(server))['listen']?.['cpns'] ?? ''
})

after(async () => {
  if (server) await stop(server)
  remove()
})

const small = ['--rate', '100', '--duration', '1s', '--ramp', '1s', '--devices', '20', '--gateways', '4']
const load = (...more: string[]) => ['bench', 'load', '--data', data, '--server', address, ...small, ...more]

async function reportOf(...more: string[]): Promise<Report> {
  const { code, stdout, stderr } = await opencpns(...load('--json', ...more))
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

async function users(): Promise<{ name: string; state: string }[]> {
  const { stdout } = await opencpns('admin', 'user', 'list', '--data', data, '--json')
  return JSON.parse(stdout).items.map(({ name, removed }: { name: string; removed: string | null }) => ({
    name,
    state: removed === null ? 'there' : 'removed',
  }))
}

/** Resolves when the workers of all loads have ended: each ends when it has let go of what it has. */
async function workersGone(t: TestContext): Promise<void> {
  if (process.platform === 'linux') await until(() => workers().length === 0)
  else t.diagnostic('workers are looked for in /proc alone')
}

function workers(): string[] {
  const isOurs = (pid: string) =>
    /bench\/worker\/main/.test(ofProcess(pid, 'cmdline')) && ofProcess(pid, 'environ').includes(mark)
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOurs(name))
}

function ofProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // it has ended meanwhile
  }
}

const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)

test('the numbers add up, over two workers', async () => {
  const report = await reportOf('--workers', '2')
  assert.deepEqual([report.came, report.inRamp, report.done + report.failed], [100, 50, 100])
  assert.equal(sum(report.histogram.map(({ count }) => count)), report.done)
  assert.equal(sum(report.slots.map(({ done, failed }) => done + failed)), report.came + report.inRamp)
  assert.deepEqual([report.errors, report.failed, report.interrupted], [{}, 0, false])
  assert.deepEqual([report.way, report.gateways, report.devices, report.workers], ['links', 4, 20, 2])
  const { p50, p90, p99, max } = report.latencyMs
  assert.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max)
})

test('whole flows go through gateways of its own', async () => {
  const { way, done, errors } = await reportOf('--whole', '--rate', '20')
  assert.deepEqual([way, done, errors], ['whole gateways', 20, {}])
})

test('a gateway that runs already is loaded, and one that is not there is told by its error', async (t) => {
  await opencpns('admin', 'user', 'add', 'alice', '--data', data)
  const credential = path('hub.json')
  await opencpns('admin', 'gateway', 'add', 'hub', '--user', 'alice', '--out', credential, '--data', data)
  const files = ['--credential', credential, '--data', path('hub')]
  const gateway = start('gateway', 'run', ...files, '--server', address, '--listen', '127.0.0.1:0', '--json')
  t.after(() => stop(gateway))
  const at = (await firstDocument(gateway))['listen']?.['pne'] ?? ''
  await linked(path('hub'))
  const there = await reportOf('--gateway', at, '--rate', '20')
  assert.deepEqual([there.way, there.done, there.errors], ['running gateways', 20, {}])
  await stop(gateway)
  const gone = await reportOf('--gateway', at, '--rate', '20')
  assert.deepEqual([gone.done, gone.errors], [0, { UNREACHABLE: 20 }])
})

test('a server that stands still for 600 ms shows in the tail, for all that came meanwhile', async () => {
  const running = start(...load('--json', '--duration', '5m', '--rate', '200'))
  const over = outcome(running)
  await more(120) // 100 come in the ramp
  server.kill('SIGSTOP')
  const from = performance.now()
  await sleep(600)
  const stoodMs = performance.now() - from
  server.kill('SIGCONT')
  await more(stoodMs * 0.2) // those that came meanwhile
  running.kill('SIGINT')
  const { histogram, latencyMs, errors } = JSON.parse((await over).stdout) as Report
  // A machine that itself stands still meanwhile may be beyond the 4 s that a request has: that shows too, as what it is.
  const { INTERRUPTED: _, SERVER_SILENT: silent = 0, ...others } = errors
  assert.deepEqual(others, {})
  const slow = silent + sum(histogram.filter(({ fromMs }) => fromMs >= 100).map(({ count }) => count))
  const expected = (stoodMs - 100) * 0.2 * 0.8
  assert.ok(slow >= expected, `${slow} devices waited for more than 100 ms: ${JSON.stringify(histogram)}`)
  assert.ok(latencyMs.max >= stoodMs * 0.75, `the longest ${latencyMs.max} of ${stoodMs} ms`)
})

test('what it made is removed afterwards, unless it shall be kept', async () => {
  const before = await users()
  await reportOf()
  const [added] = (await users()).filter(({ name }) => !before.some((user) => user.name === name))
  assert.equal(added?.state, 'removed')
  const { stderr } = await opencpns(...load('--keep'))
  const kept = (await users()).filter(({ name, state }) => name.startsWith('bench-') && state === 'there')
  assert.equal(kept.length, 1)
  assert.ok(stderr.includes(`The user ${kept[0]?.name} is left at the server`))
})

test('Ctrl-C ends it with its figures, and removes what it made', async (t) => {
  const running = start(...load('--duration', '5m', '--json'))
  const over = outcome(running)
  await more(60) // 50 come in the ramp
  running.kill('SIGINT')
  const { code, stdout } = await over
  const report: Report = JSON.parse(stdout)
  assert.equal(code, 130)
  assert.equal(report.interrupted, true)
  assert.ok(report.done > 0 && report.done < 15_000, `${report.done} done`)
  assert.ok((await users()).filter(({ name, state }) => name.startsWith('bench-') && state === 'there').length <= 1)
  await workersGone(t)
})

test('Ctrl-C before the load has begun leaves nothing either', async (t) => {
  const running = start(...load('--devices', '100000', '--json'))
  const over = outcome(running)
  await says(running, /^Adding/)
  running.kill('SIGINT')
  const { code, stdout } = await over
  assert.deepEqual([code, stdout], [130, ''])
  await workersGone(t)
})

test('for people: a histogram, percentiles, and what the load itself cost', async () => {
  const { stdout } = await opencpns(...load())
  assert.match(stdout, /^100 devices in 1 s: 100 authenticated \(100\/s\), none failed$/m)
  assert.match(stdout, /^ *[\d.]+ – [\d.]+ ms {2}█/m)
  assert.match(stdout, /when it was to come +[\d.]+ ms/)
  assert.match(stdout, /The load itself: \d process/)
})

test('the report is one file that asks nothing of another host', async () => {
  const file = path('load.html')
  await reportOf('--html', file)
  const page = readFileSync(file, 'utf8')
  assert.match(page, /^<!doctype html>/)
  assert.equal(page.match(/<svg /g)?.length, 3)
  assert.doesNotMatch(page, /<script|<link|src=|href=|url\(|@import|https?:/)
  assert.doesNotMatch(page, /NaN|undefined|Infinity/)
})

test('no server there, no folder, no place for the report: each is said, and what to do', async () => {
  assertError(await opencpns('bench', 'load', '--data', path('none')), 5, /not the data folder of a server/)
  assertError(await opencpns(...load('--html', path('no', 'such', 'folder.html'))), 5, /Give another --html/)
  const nobody = await opencpns('bench', 'load', '--data', data, '--server', '127.0.0.1:1', ...small)
  assert.equal(nobody.code, 4)
  assert.match(nobody.stderr, /^opencpns: .*no keys can be assigned: server-unreachable.*--server/m)
  assertError(await opencpns(...load('--server', '192.0.2.1:7410')), 2, /--allow-remote/)
})

/** Resolves when the server has told of so many devices more. */
async function more(count: number): Promise<void> {
  const enough = authenticated + count
  await until(() => authenticated >= enough, `${count} more devices never came`)
}

/** Resolves when it says so. */
async function says(child: ChildProcess, what: RegExp): Promise<void> {
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  await new Promise<void>((resolve) => lines.on('line', (line) => what.test(line) && resolve()))
}
