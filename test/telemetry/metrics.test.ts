// Metrics of real processes: they count what happens, they are what Prometheus reads, and the documents, the dashboard and the
// alerts speak of those that there are.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Address, formatHostPort, parseHostPort } from '@opencpns/io'
import { readCredential } from '@opencpns/pne'
import { AuthenticationResponse, PairingRequest, PairingResponse } from '@opencpns/protocol'
import { readAdminAccess } from '@opencpns/server'
import { ScriptedPne } from '../../packages/gateway/test/support/scripted-pne.ts'
import { addressOf, ProcessTown } from '../end-to-end/town.ts'
import { until } from '../support/until.ts'
import { type Family, parseIndependently, promtool, withoutParser, withoutPromtool } from './peers.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

let town: ProcessTown
let home: Address
let hotel: Address
let atServer: string
let atHome: Address
let atHotel: Address
let device: Awaited<ReturnType<typeof readCredential>>

before(async () => {
  town = await ProcessTown.open()
  const where = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--radius', '127.0.0.1:0']
  const server = await town.machine.start('server', 'run', '--data', town.path('server'), ...where)
  const cpns = addressOf(server, 'cpns')
  await town.addUser()
  for (const name of ['home-gw', 'hotel-gw']) await town.addGateway(name)
  const gateways = []
  for (const name of ['home-gw', 'hotel-gw']) {
    gateways.push(await town.startGateway(name, cpns, 0, '--metrics', '127.0.0.1:0'))
  }
  const [first, second] = gateways.map((gateway) => gateway.documents[0]?.['listen'] as Record<string, string>)
  home = parseHostPort(first?.['pne'] ?? '')
  hotel = parseHostPort(second?.['pne'] ?? '')
  atHome = parseHostPort(first?.['metrics'] ?? '')
  atHotel = parseHostPort(second?.['metrics'] ?? '')
  atServer = (await readAdminAccess(town.path('server'))).url
  const listen = server.documents[0]?.['listen'] as Record<string, string>
  await happen(parseHostPort(listen['radius'] ?? ''))
})

after(() => town?.close())

/** One of each: a pairing, a local and a remote authentication, refusals, a packet that is no RADIUS. */
async function happen(radius: Address): Promise<void> {
  const { uri } = await town.run('gateway', 'pair', '--data', town.path('home-gw'), '--name', 'wristwatch')
  await town.run('pne', 'pair', String(uri), '--credential', town.path('watch.json'))
  device = await readCredential(town.path('watch.json'))
  for (const gateway of [home, hotel, hotel]) {
    await town.run('pne', 'connect', formatHostPort(gateway), '--credential', town.path('watch.json'), '--once')
  }
  const old = await ScriptedPne.connect(home)
  await old.request({ secondSeed: randomBytes(32), versions: [9] })
  await old.receive(AuthenticationResponse)
  const late = await ScriptedPne.connect(home)
  await late.send(PairingRequest, { versions: [9], ticketId: randomBytes(16) })
  await late.receive(PairingResponse)
  assert.equal((await town.attempt('admin', 'user', 'add', 'alice', '--data', town.path('server'))).code, 2)
  const socket = createSocket('udp4')
  await new Promise((resolve) => socket.send('no RADIUS', radius.port, radius.host, resolve))
  socket.close()
  await until(async () => (await samples(atServer))[`${SERVER}radius_requests_total{outcome="malformed"}`] === 1)
  const isReported = async (of: string, count: number) =>
    (await samples(atServer))[`${SERVER}reported_authentications_total{${of}}`] === count
  await until(() => isReported('case="remote",result="accepted"', 2))
  await until(() => isReported('case="local",result="accepted"', 1))
  await until(() => isReported('case="undecided",result="refused"', 1))
  await until(async () => (await samples(atHome))[`${GATEWAY}pairings_total{result="unsupported-version"}`] === 1)
  await until(async () => ((await samples(atHome))[`${GATEWAY}challenges`] ?? 0) > 0)
}

const SERVER = 'opencpns_server_'
const GATEWAY = 'opencpns_gateway_'

async function metricsOf(at: Address | string): Promise<string> {
  const response = await fetch(`${typeof at === 'string' ? at : `http://${formatHostPort(at)}`}/metrics`)
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  return response.text()
}

/** By name and labels as they stand there. */
async function samples(at: Address | string): Promise<Record<string, number>> {
  const lines = (await metricsOf(at)).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.replace(/ [^ ]+$/, ''), Number(/[^ ]+$/.exec(line)?.[0])]))
}

/** Names of metrics, without what a histogram adds. */
async function names(at: Address | string): Promise<Set<string>> {
  const types = (await metricsOf(at)).matchAll(/^# TYPE (\w+) /gm)
  return new Set([...types].map(([, name = '']) => name))
}

test('a gateway counts its authentications and pairings, and measures each step', async () => {
  const counted = await samples(atHome)
  const of = (name: string) => counted[`${GATEWAY}${name}`]
  assert.equal(of('authentications_total{case="local",result="success",reason=""}'), 1)
  const unsupported = 'case="undecided",result="unsupported-version",reason="unsupported-version"'
  assert.equal(of(`authentications_total{${unsupported}}`), 1)
  assert.equal(of('pairings_total{result="success"}'), 1)
  assert.equal(of('pairings_total{result="unsupported-version"}'), 1)
  assert.equal(of('authentication_duration_seconds_count{case="local"}'), 1)
  for (const step of [2, 7, 8]) assert.equal(of(`step_duration_seconds_count{step="${step}"}`), 1)
  assert.equal(of('step_duration_seconds_count{step="3"}'), 0)
  assert.deepEqual([of('keys'), of('tickets'), of('overloaded')], [1, 0, 0])
  assert.deepEqual([of('server_links{state="connected"}'), of('server_links{state="disconnected"}')], [1, 0])
  assert.ok((of('challenges') ?? 0) > 0)
})

test('a gateway away from home counts remote authentications', async () => {
  const counted = await samples(atHotel)
  assert.equal(counted[`${GATEWAY}authentications_total{case="remote",result="success",reason=""}`], 2)
  for (const step of [2, 3, 6, 7, 8]) assert.equal(counted[`${GATEWAY}step_duration_seconds_count{step="${step}"}`], 2)
  assert.equal(counted[`${GATEWAY}transient_keys`], 1)
})

test('a server counts what it decided, what gateways report, what happened, and what there is', async () => {
  const counted = await samples(atServer)
  const of = (name: string) => counted[`${SERVER}${name}`]
  assert.equal(of('authentications_total{door="cpns",result="accepted",reason=""}'), 2)
  assert.equal(of('authentication_duration_seconds_count{door="cpns"}'), 2)
  assert.deepEqual([of('step_duration_seconds_count{step="4"}'), of('step_duration_seconds_count{step="5"}')], [2, 2])
  assert.equal(of('reported_authentications_total{case="local",result="accepted"}'), 1)
  assert.equal(of('reported_authentications_total{case="undecided",result="refused"}'), 1)
  assert.equal(of('events_total{type="assignment",result="accepted"}'), 1)
  assert.equal(of('events_total{type="link",result="connected"}'), 2)
  assert.deepEqual([of('links'), of('users'), of('events_dropped_total')], [2, 1, 0])
  assert.deepEqual([of('pnes{state="active"}'), of('pnes{state="pending"}')], [1, 0])
  assert.ok((of('store_operation_duration_seconds_count{operation="assignPne"}') ?? 0) >= 1)
})

test('an independent parser reads the same metrics, with types and help', { skip: withoutParser }, async () => {
  for (const at of [atServer, atHome]) {
    const families = parseIndependently(await metricsOf(at))
    const ours = families.filter(({ name }) => name.startsWith('opencpns_'))
    const declared = [...(await names(at))].filter((name) => name.startsWith('opencpns_'))
    // The parser calls a counter by its name without `_total`.
    assert.deepEqual(ours.map(fullName).sort(), declared.sort())
    for (const { name, help, type } of ours) assert.ok(help.length > 3 && type !== 'unknown', name)
    for (const { samples } of ours.filter(({ type }) => type === 'histogram')) checkHistogram(samples)
  }
})

const fullName = ({ name, type }: Family) => (type === 'counter' ? `${name}_total` : name)

/** Buckets never go down, and the last one is the count. */
function checkHistogram(all: Family['samples']): void {
  const series = Map.groupBy(all, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels))
  for (const samples of series.values()) {
    const buckets = samples.filter(({ name }) => name.endsWith('_bucket')).map(({ value }) => value)
    assert.deepEqual(
      buckets,
      buckets.toSorted((a, b) => a - b),
    )
    assert.equal(buckets.at(-1), samples.find(({ name }) => name.endsWith('_count'))?.value)
  }
}

test('promtool has nothing to say against our names', { skip: withoutPromtool }, async () => {
  for (const at of [atServer, atHome]) {
    const ours = (await metricsOf(at)).split('\n').filter((line) => /^(# (HELP|TYPE) )?opencpns_/.test(line))
    promtool(['check', 'metrics'], `${ours.join('\n')}\n`)
  }
})

test('the document has each metric, with its type and labels, and no other', async () => {
  const rows = [...read('docs/operations/metrics.md').matchAll(/^\| `(opencpns_\w+)` \| (\w+) \|([^|]*)\| /gm)]
  const documented = rows.map(([, name, type, labels = '']) => `${name} ${type} ${labelsIn(labels)}`)
  const there = await Promise.all([atServer, atHome, atHotel].map(async (at) => described(await metricsOf(at))))
  assert.deepEqual(documented.sort(), [...new Set(there.flat())].sort())
})

const labelsIn = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name).join(',')

/** Name, type and labels of each of our metrics. */
function described(text: string): string[] {
  return [...text.matchAll(/^# TYPE (opencpns_\w+) (\w+)\n(?:\w+(?:\{([^}]*)\})? )?/gm)].map(
    ([, name, type, labels]) => {
      const found = [...(labels ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le')
      return `${name} ${type} ${found.join(',')}`
    },
  )
}

const PROMETHEUS_OWN = new Set(['up'])

/** The metrics in an expression, and the labels that it asks each for. */
function usedIn(expression: string): { name: string; labels: string[] }[] {
  const uses = expression.matchAll(/\b((?:opencpns|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g)
  return [...uses].map(([, name = '', matchers = '']) => ({
    name: name.replace(/_(bucket|sum|count)$/, ''),
    labels: [...matchers.matchAll(/(\w+)(?:=|!=|=~|!~)"/g)].map(([, label = '']) => label),
  }))
}

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string }[]
}

const panels: Panel[] = JSON.parse(read('docs/operations/grafana.json')).panels
const rules = [...read('docs/operations/alerts.yaml').matchAll(/- alert: (\w+)\n([\s\S]*?)(?=\n\n|\n*$)/g)].map(
  ([, alert = '', body = '']) => ({
    alert,
    body,
    expr: /expr: (?:\|\n([\s\S]*?)\n {8}\w|(.*))/.exec(body)?.slice(1).join('') ?? '',
  }),
)

test('every metric of the dashboard and of the alerts is there, with the labels that they ask for', async () => {
  const there = new Map<string, Set<string>>()
  for (const at of [atServer, atHome, atHotel]) {
    for (const line of (await metricsOf(at)).split('\n')) {
      const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? []
      const plain = name.replace(/_(bucket|sum|count)$/, '')
      const known = there.get(plain) ?? new Set(['job', 'instance'])
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label)
      there.set(plain, known)
    }
    for (const name of await names(at)) if (!there.has(name)) there.set(name, new Set(['job', 'instance']))
  }
  const expressions = [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ]
  assert.ok(expressions.length > 40)
  for (const [where, expression] of expressions) {
    const used = usedIn(expression)
    assert.ok(used.length > 0, `${where}: ${expression}`)
    for (const { name, labels } of used.filter((one) => !PROMETHEUS_OWN.has(one.name))) {
      assert.ok(there.has(name), `${where}: there is no ${name}`)
      const unknown = labels.filter((label) => !there.get(name)?.has(label))
      assert.deepEqual(unknown, [], `${where}: ${name} has no such label`)
    }
  }
})

test('every alert says why it is there and what to do, where there is such a section', () => {
  const document = read('docs/operations/metrics.md')
  const anchors = new Set([...document.matchAll(/^### (.+)$/gm)].map(([, title = '']) => anchorOf(title)))
  const runbooks = rules.map(({ alert, body }) => {
    assert.match(body, /severity: (warning|critical)/, alert)
    assert.match(body, /summary: '.{10}/, alert)
    assert.match(body, /reason: \S.{20}/, alert)
    return /runbook: docs\/operations\/metrics\.md#(\S+)$/m.exec(body)?.[1] ?? alert
  })
  assert.ok(rules.length >= 14)
  assert.deepEqual(runbooks.toSorted(), [...anchors].sort())
})

const anchorOf = (title: string) =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')

test('promtool reads the rules, and each fires when it should', { skip: withoutPromtool }, () => {
  promtool(['check', 'rules', fileURLToPath(new URL('docs/operations/alerts.yaml', root))])
  promtool(['test', 'rules', fileURLToPath(new URL('alerts.test.yaml', import.meta.url))])
})

test('promtool understands every expression of the dashboard', { skip: withoutPromtool }, async () => {
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  const rules = expressions.map((expr, at) => ({
    record: `panel:${at}`,
    expr: expr.replaceAll('$__rate_interval', '5m'),
  }))
  const file = town.path('dashboard.json')
  await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  promtool(['check', 'rules', file])
})

test('metrics tell no secret, no name and no id of a device or a person', async () => {
  const all = (await Promise.all([atServer, atHome, atHotel].map(metricsOf))).join()
  const forms = (['base64url', 'base64', 'hex'] as const).flatMap((form) =>
    [device.secondSeed, device.euKey].map((secret) => Buffer.from(secret).toString(form)),
  )
  for (const secret of [...forms, 'alice', 'wristwatch', 'home-gw', 'hotel-gw', device.pneId]) {
    assert.ok(!all.includes(secret), secret)
  }
})

test('the gateway tells whether it lives and is ready, and nothing else', async () => {
  const at = `http://${formatHostPort(atHome)}`
  const ask = (path: string, method = 'GET') => fetch(at + path, { method })
  assert.deepEqual(await (await ask('/healthz')).json(), { status: 'ok' })
  assert.deepEqual(await (await ask('/readyz')).json(), { status: 'ready', server: 'connected' })
  assert.equal((await ask('/metrics', 'HEAD')).status, 200)
  for (const path of ['/', '/metrics/', '/Metrics', '/v1/users', '/%6detrics', '/../metrics/x']) {
    assert.equal((await ask(path)).status, 404, path)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) assert.equal((await ask('/metrics', method)).status, 405)
  assert.equal((await ask('/metrics?name[]=up')).status, 200)
})

test('the listener of the gateway outlives what is no request', async () => {
  const attacks = [
    '\u0000\u0001\u0002\r\n\r\n',
    `GET /metrics HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
    'GET / HTTP/9.9\r\n\r\n',
  ]
  for (const attack of attacks) {
    const answer = await answerTo(attack)
    assert.ok(answer === '' || /^HTTP\/1\.1 (400|431|505)/.test(answer), answer.slice(0, 40))
  }
  assert.ok((await metricsOf(atHome)).length > 1000)
})

/** All that comes back. A listener that closes before it has read everything may end the connection by a reset. */
async function answerTo(octets: string): Promise<string> {
  const socket = connectTcp({ ...atHome })
  let answer = ''
  socket.setEncoding('utf8').on('data', (piece) => {
    answer += piece
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  socket.end(octets)
  await closed
  return answer
}

test('a gateway whose address for metrics is taken does not start, and says so', async () => {
  const files = ['--credential', town.path('home-gw.json'), '--data', town.path('other')]
  const taken = ['--server', '127.0.0.1:1', '--listen', '127.0.0.1:0', '--metrics', formatHostPort(atHome)]
  const { code, stderr } = await town.attempt('gateway', 'run', ...files, ...taken)
  assert.equal(code, 4)
  assert.match(stderr, new RegExp(`cannot run the gateway: port ${atHome.port} of .* is taken: .* with --metrics\n`))
})
