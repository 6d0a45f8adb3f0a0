// `opencpns doctor`: what is fine is said to be fine, each fault is found and told with what to do, and nothing is changed.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, chownSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { reporter } from '../src/commands/doctor/check.ts'
import { examinePort } from '../src/commands/doctor/network.ts'
import { assertError, firstDocument, linked, opencpns, start, stop, temporaryFolder } from './support.ts'

interface Finding {
  area: string
  check: string
  status: string
  found: string
  advice?: string
}

async function examine(...args: string[]): Promise<{ code: number | null; ok: boolean; findings: Finding[] }> {
  const { code, stdout } = await opencpns('doctor', '--json', ...args)
  return { code, ...JSON.parse(stdout) }
}

/** The findings of an area by what was checked. */
async function found(area: string, ...args: string[]): Promise<Record<string, Finding>> {
  const { findings } = await examine(...args)
  return Object.fromEntries(findings.filter((one) => one.area === area).map((one) => [one.check, one]))
}

async function serverFolder(t: TestContext): Promise<{ dir: string; path: (...names: string[]) => string }> {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const dir = folder.path('server')
  await opencpns('server', 'init', '--data', dir, '--realm', 'example.org')
  return { dir, path: folder.path }
}

test('of this machine it tells versions, and what it could not check', async () => {
  const { code, ok, findings } = await examine()
  assert.deepEqual([code, ok], [0, true])
  const of = Object.fromEntries(findings.map(({ check, found }) => [check, found]))
  assert.equal(of['Node'], process.versions.node)
  assert.ok(of['SQLite']?.startsWith(String(process.versions.sqlite)))
  assert.match(of['OpenSSL'] ?? '', /with X25519MLKEM768/)
  assert.ok('open files' in of && 'clock' in of)
  for (const { status, advice, check } of findings) {
    if (status === 'warn') assert.ok(advice, `${check} says what to do`)
  }
})

test('a new data folder is fine, and looking changes nothing in it', async (t) => {
  const { dir } = await serverFolder(t)
  const before = readdirSync(dir).map((name) => [name, readFileSync(`${dir}/${name}`, 'hex')])
  const { code, findings } = await examine('--data', dir)
  const server = findings.filter(({ area, check }) => area === 'server' && !check.startsWith('port '))
  assert.deepEqual(
    server.map(({ check, status }) => `${status} ${check}`),
    ['ok data folder', 'ok database', 'ok schema', 'ok master key', 'ok permissions', 'ok disk', 'ok running'],
  )
  assert.equal(code, 0)
  const after = before.map(([name]) => [name, readFileSync(`${dir}/${name}`, 'hex')])
  assert.deepEqual(after, before)
})

test('faults of a data folder', async (t) => {
  const { dir, path } = await serverFolder(t)
  const faults: [name: string, break_: () => void, check: string, advice: RegExp][] = [
    [
      'a key that others may read',
      () => chmodSync(`${dir}/master.key`, 0o640),
      'permissions',
      /^chmod 600 .*master\.key$/,
    ],
    ['a folder that others may look into', () => chmodSync(dir, 0o755), 'permissions', /^chmod 700 /],
    [
      'a key of another server',
      () => writeFileSync(`${dir}/master.key`, Buffer.alloc(32, 7).toString('base64url')),
      'master key',
      /restore master\.key/,
    ],
    ['a key that is lost', () => rmSync(`${dir}/master.key`), 'data folder', /restore it from a backup/],
    ['a token that is lost', () => rmSync(`${dir}/admin.token`), 'data folder', /43 random/],
    [
      'a damaged server.json',
      () => writeFileSync(`${dir}/server.json`, '{'),
      'data folder',
      /restore it from a backup/,
    ],
    ['a store that is none', () => writeFileSync(`${dir}/cpns.db`, 'x'.repeat(5000)), 'data folder', /backup/],
    [
      'a server that was killed',
      () => writeFileSync(`${dir}/admin.json`, '{"url":"http://127.0.0.1:9"}'),
      'running',
      /it was killed/,
    ],
  ]
  for (const [name, break_, check, advice] of faults) {
    await t.test(name, async () => {
      const saved = readdirSync(dir)
      for (const file of saved) copyFileSync(`${dir}/${file}`, path(file))
      break_()
      const { code, ok, findings } = await examine('--data', dir)
      const finding = findings.find((one) => one.area === 'server' && one.check === check)
      assert.equal(finding?.status, 'fail', JSON.stringify(findings))
      assert.match(finding?.advice ?? '', advice)
      assert.deepEqual([code, ok], [5, false])
      for (const file of readdirSync(dir)) rmSync(`${dir}/${file}`)
      for (const file of saved) copyFileSync(path(file), `${dir}/${file}`)
      for (const file of saved) chmodSync(`${dir}/${file}`, 0o600)
      chmodSync(dir, 0o700)
    })
  }
})

test('a file that is not of the owner of the folder', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can give files away: run the tests as root')
  const { dir } = await serverFolder(t)
  chownSync(`${dir}/admin.token`, 65_534, 65_534)
  const { permissions } = await found('server', '--data', dir)
  assert.deepEqual([permissions?.status, permissions?.advice], ['fail', `chown --reference=${dir} ${dir}/admin.token`])
})

test('a folder that is not there is one finding', async () => {
  const { findings } = await examine('--data', '/nowhere/server', '--gateway-data', '/nowhere/gateway')
  const of = findings.filter(({ area }) => area !== 'machine')
  assert.deepEqual(
    of.map(({ area, check, status }) => [area, check, status]),
    [
      ['server', 'data folder', 'fail'],
      ['gateway', 'data folder', 'fail'],
    ],
  )
})

test('a server and a gateway at work, together and apart', async (t) => {
  const { dir, path } = await serverFolder(t)
  const server = start('server', 'run', '--data', dir, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--json')
  t.after(() => stop(server))
  const { listen } = await firstDocument(server)
  await opencpns('admin', 'user', 'add', 'alice', '--data', dir)
  await opencpns('admin', 'gateway', 'add', 'hub', '--user', 'alice', '--out', path('hub.json'), '--data', dir)
  const upstream = ['--server', listen?.['cpns'] ?? '', '--listen', '127.0.0.1:0', '--json']
  const gateway = start('gateway', 'run', '--credential', path('hub.json'), '--data', path('hub'), ...upstream)
  t.after(() => stop(gateway))
  await firstDocument(gateway)
  await linked(path('hub'))

  const both = ['--data', dir, '--gateway-data', path('hub')]
  const reach = ['--server', listen?.['cpns'] ?? '', '--url', `http://${listen?.['admin']}`]
  const seen = await examine(...both, ...reach)
  const words = seen.findings.map(({ area, check, status }) => `${area} ${check}: ${status}`)
  for (const word of [
    'server running: ok',
    'gateway running: ok',
    'gateway link: ok',
    'gateway outbox: ok',
    'network clocks: ok',
  ]) {
    assert.ok(words.includes(word), `${word} in ${words.join(', ')}`)
  }
  assert.equal(seen.code, 0)

  await stop(server)
  let apart = await found('gateway', '--gateway-data', path('hub'))
  await until(async () => {
    apart = await found('gateway', '--gateway-data', path('hub'))
    return apart['link']?.status === 'fail'
  })
  assert.match(apart['link']?.found ?? '', /^not connected to the server since /)
  const network = await found('network', ...reach)
  assert.deepEqual(
    Object.values(network).map(({ status }) => status),
    ['fail', 'fail'],
  )
})

test('a clock that is wrong', async (t) => {
  let late = 0
  const server = createServer((_, response) => {
    response.sendDate = false
    response.setHeader('date', new Date(Date.now() - late * 1000).toUTCString()).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const [seconds, status] of [
    [0, 'ok'],
    [-40, 'warn'],
    [3600, 'fail'],
  ] as const) {
    late = seconds
    const { clocks } = await found('network', '--url', url)
    assert.equal(clocks?.status, status, `${clocks?.found}`)
  }
})

test('a port that another program has is a warning', async (t) => {
  const taken = createTcpServer()
  await once(taken.listen(0), 'listening')
  t.after(() => taken.close())
  const { status, found } = await examinePort(reporter('server'), (taken.address() as AddressInfo).port)
  assert.deepEqual([status, found], ['warn', 'another program listens on it'])
})

test('the ports of a server are looked at', async (t) => {
  const { dir } = await serverFolder(t)
  const ports = Object.keys(await found('server', '--data', dir)).filter((check) => check.startsWith('port '))
  assert.deepEqual(ports, ['port 7410', 'port 7412'])
})

test('in words: a line for each finding, then what to do', async () => {
  const { stdout, code } = await opencpns('doctor', '--server', '127.0.0.1:9')
  assert.match(stdout, /^ok {7}machine {2}Node /m)
  assert.match(stdout, /^fail {5}network {2}127\.0\.0\.1:9 {2}not reached: ECONNREFUSED$/m)
  assert.match(stdout, /^What to do:\n(.*\n)*network, 127\.0\.0\.1:9: check the name/m)
  assert.equal(code, 5)
  assertError(await opencpns('doctor', '--server', 'nowhere'), 2, /not HOST:PORT/)
})
