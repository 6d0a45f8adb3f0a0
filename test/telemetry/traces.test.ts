// Traces of real processes: one authentication is one trace over device, gateway and server; and what a device says of a trace,
// or a collector does, changes nothing.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Address, formatHostPort } from '@opencpns/io'
import { readCredential } from '@opencpns/pne'
import { AuthenticationRequest, AuthenticationResponse, encode, Result } from '@opencpns/protocol'
import { ScriptedPne } from '../../packages/gateway/test/support/scripted-pne.ts'
import { Machine, type Running } from '../end-to-end/processes.ts'
import { addressOf, ProcessTown } from '../end-to-end/town.ts'
import { Collector, type Span } from '../support/collector.ts'
import { until } from '../support/until.ts'

const SERVER = 2
const CLIENT = 3

let town: ProcessTown
let collector: Collector
let traced: Machine
let cpns: Address
let home: Address
let hotel: Address
let device: { pneId: string; secondSeed: Uint8Array; euKey: Uint8Array }

before(async () => {
  collector = await Collector.open()
  town = await ProcessTown.open()
  // A gateway records what its own rule says, whatever a device says: here, all.
  traced = new Machine(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20' })
  cpns = addressOf(await town.startServer(0, traced), 'cpns')
  await town.addUser()
  for (const name of ['home-gw', 'hotel-gw']) await town.addGateway(name)
  home = addressOf(await town.startGatewayOn(traced, 'home-gw', cpns), 'pne')
  const running = await town.startGatewayOn(traced, 'hotel-gw', cpns, 0, '--metrics', '127.0.0.1:0')
  hotel = addressOf(running, 'pne')
  // With a challenge at hand it asks the server once, without one twice.
  await until(async () => (await challengesOf(running)) > 0)
  const { uri } = await town.run('gateway', 'pair', '--data', town.path('home-gw'), '--name', 'wristwatch')
  await town.run('pne', 'pair', String(uri), '--credential', town.path('watch.json'))
  device = await readCredential(town.path('watch.json'))
})

after(async () => {
  await traced?.close()
  await town?.close()
  collector?.close()
})

async function challengesOf({ documents }: Running): Promise<number> {
  const listen = documents[0]?.['listen'] as Record<string, string> | undefined
  const text = await (await fetch(`http://${listen?.['metrics']}/metrics`)).text()
  return Number(/^opencpns_gateway_challenges (\d+)$/m.exec(text)?.[1])
}

const connecting = (machine: Machine, gateway: Address) =>
  machine.attempt('pne', 'connect', formatHostPort(gateway), '--credential', town.path('watch.json'), '--once')

/** The spans of the session that a document of `pne connect` names, once there are so many of all. */
async function traceOf(stdout: string, count: number): Promise<Span[]> {
  const { sessionId } = JSON.parse(stdout)
  const ofSession = () => collector.spans.find(({ attributes }) => attributes['opencpns.session_id'] === sessionId)
  const all = () => collector.spans.filter(({ traceId }) => traceId === ofSession()?.traceId)
  await until(() => ofSession() !== undefined && all().length >= count, `no ${count} spans of session ${sessionId}`)
  return all()
}

const find = (spans: readonly Span[], service: string, name: string) => {
  const [span, ...others] = spans.filter((one) => one.service === service && one.name === name)
  assert.ok(span && others.length === 0, `${spans.map((one) => `${one.service} ${one.name}`)}`)
  return span
}

function assertInOrder(...times: bigint[]): void {
  const inOrder = times.toSorted((a, b) => (a < b ? -1 : 1))
  assert.deepEqual(times, inOrder)
}

test('a remote authentication is one trace, of the device, the gateway and the server', async () => {
  const { code, stdout, stderr } = await connecting(traced, hotel)
  assert.equal(code, 0, stderr)
  const spans = await traceOf(stdout, 7)
  assert.equal(spans.length, 7)
  const pne = find(spans, 'opencpns-pne', 'authenticate')
  const gateway = find(spans, 'opencpns-gateway', 'authenticate')
  const roundTrip = find(spans, 'opencpns-gateway', 'ForwardedRequest')
  const tls = find(spans, 'opencpns-gateway', 'TLS handshake')
  const server = find(spans, 'opencpns-server', 'authenticate')
  const lookUp = find(spans, 'opencpns-server', 'look-up')
  const gpsk = find(spans, 'opencpns-server', 'EAP-GPSK')
  assert.deepEqual(
    [pne, gateway, roundTrip, tls, server, lookUp, gpsk].map((span) => span.parentSpanId),
    ['', pne.spanId, gateway.spanId, gateway.spanId, roundTrip.spanId, server.spanId, server.spanId],
  )
  assert.deepEqual([pne.kind, gateway.kind, roundTrip.kind, server.kind], [CLIENT, SERVER, CLIENT, SERVER])
  // Within a process one clock orders all; between two processes only how long things took can be compared.
  assertInOrder(gateway.from, roundTrip.from, roundTrip.to, tls.from, tls.to, gateway.to)
  assertInOrder(server.from, lookUp.from, lookUp.to, gpsk.from, gpsk.to, server.to)
  assertInOrder(0n, server.to - server.from, roundTrip.to - roundTrip.from, gateway.to - gateway.from)
  assert.ok(spans.every(({ isError }) => !isError))
  const { 'opencpns.session_id': session, ...facts } = gateway.attributes
  assert.deepEqual(facts, {
    'opencpns.case': 'remote',
    'opencpns.key_used': 'transientKey',
    'opencpns.result': 'success',
    'opencpns.server_round_trips': 1,
  })
  assert.equal(server.attributes['opencpns.session_id'], session)
})

test('a local authentication is one trace without the server', async () => {
  const { code, stdout } = await connecting(traced, home)
  assert.equal(code, 0)
  const spans = await traceOf(stdout, 3)
  assert.deepEqual(spans.map(({ service, name }) => `${service} ${name}`).sort(), [
    'opencpns-gateway TLS handshake',
    'opencpns-gateway authenticate',
    'opencpns-pne authenticate',
  ])
})

test('a device that records nothing says nothing of a trace: those of gateway and server are their own', async () => {
  const { code, stdout } = await connecting(town.machine, hotel)
  assert.equal(code, 0)
  const spans = await traceOf(stdout, 6)
  assert.equal(find(spans, 'opencpns-gateway', 'authenticate').parentSpanId, '')
  assert.ok(spans.every(({ service }) => service !== 'opencpns-pne'))
})

test('a refusal is an error in the trace, with its reason', async () => {
  const stranger = await ScriptedPne.connect(home)
  const before = collector.spans.length
  await stranger.request({ secondSeed: randomBytes(32), versions: [9] })
  await stranger.receive(AuthenticationResponse)
  stranger.close()
  const refused = () => collector.spans.slice(before).find(({ isError }) => isError)
  await until(() => refused() !== undefined)
  assert.equal(refused()?.attributes['opencpns.reason'], 'unsupported-version')
})

const hostile: [what: string, traceparent: string, isKept: boolean][] = [
  ['a trace of zeros', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, false],
  ['a trace without a parent', `00-${'a1'.repeat(16)}-${'0'.repeat(16)}-01`, false],
  ['a trace that is not to be recorded', `00-${'a2'.repeat(16)}-${'b2'.repeat(8)}-00`, true],
  ['a trace with every flag', `00-${'f'.repeat(32)}-${'f'.repeat(16)}-ff`, true],
]

for (const [what, traceparent, isKept] of hostile) {
  test(`a device that names ${what} is authenticated as any other, and recorded as any other`, async () => {
    const before = collector.spans.length
    const pne = await ScriptedPne.connect(home)
    const answer = await pne.authenticateLocally(device.euKey, { secondSeed: device.secondSeed, traceparent })
    assert.equal(answer.result, Result.success)
    pne.close()
    const recorded = () => collector.spans.slice(before).find(({ name }) => name === 'authenticate')
    await until(() => recorded() !== undefined)
    assert.equal(recorded()?.traceId === traceparent.split('-')[1], isKept)
  })
}

test('a device that sends garbage for a trace is refused as for any other field, and nothing is recorded of it', async () => {
  const fields = { versions: [1], secondSeed: device.secondSeed, realm: 'example.org' }
  const good = encode(AuthenticationRequest, { ...fields, traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` })
  for (const [index, octet] of [
    [good.length - 1, 0x67],
    [good.length - 3, 0x20],
    [good.length - 55, 0x31],
  ] as const) {
    const before = collector.spans.length
    const body = Buffer.from(good)
    body[index] = octet
    const pne = await ScriptedPne.connect(home)
    await pne.link.send(body)
    assert.equal((await pne.receive(AuthenticationResponse)).result, Result.malformedMessage)
    pne.close()
    assert.ok(collector.spans.slice(before).every(({ traceId }) => traceId !== 'c'.repeat(32)))
  }
})

test('a trace tells no secret, no name and no id of a device', async () => {
  await traceOf((await connecting(traced, hotel)).stdout, 7)
  const all = collector.bodies.join()
  const octets = { secondSeed: device.secondSeed, euKey: device.euKey }
  const forms = Object.entries(octets).flatMap(([name, secret]) =>
    (['base64url', 'base64', 'hex'] as const).map((form) => [name, Buffer.from(secret).toString(form)] as const),
  )
  const names = ['alice', 'wristwatch', 'home-gw', 'hotel-gw', device.pneId].map((name) => ['name', name] as const)
  for (const [what, text] of [...forms, ...names]) assert.ok(!all.includes(text), `${what}: ${text}`)
})

const off: [what: string, env: () => NodeJS.ProcessEnv][] = [
  ['OTEL_SDK_DISABLED', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SDK_DISABLED: 'true' })],
  ['OTEL_TRACES_EXPORTER=none', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_EXPORTER: 'none' })],
  [
    'OTEL_TRACES_EXPORTER=zipkin',
    () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_EXPORTER: 'zipkin' }),
  ],
  [
    'OTEL_TRACES_SAMPLER=always_off',
    () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'always_off' }),
  ],
]

for (const [what, env] of off) {
  test(`with ${what} a device sends no trace`, async () => {
    const { code, stdout } = await connecting(new Machine(undefined, env()), home)
    assert.equal(code, 0)
    const spans = await traceOf(stdout, 2)
    assert.ok(spans.every(({ service }) => service !== 'opencpns-pne'))
  })
}

test('name, resource and endpoint are those of the environment', async () => {
  const env = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/any/path`,
    OTEL_SERVICE_NAME: 'my-devices',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=overridden',
  }
  const { stdout } = await connecting(new Machine(undefined, env), home)
  const spans = await traceOf(stdout, 3)
  find(spans, 'my-devices', 'authenticate')
  assert.ok(collector.bodies.some((body) => body.includes('deployment.environment.name')))
})

const wrong: [what: string, answer: Parameters<typeof Collector.open>[0] | undefined][] = [
  ['is away', undefined],
  ['refuses', (response) => void response.writeHead(400).end()],
  ['is overloaded', (response) => void response.writeHead(503, { 'retry-after': '3600' }).end()],
  ['never answers', () => {}],
  ['answers with garbage', (response) => void response.end('\u0000{'.repeat(1000))],
  ['sends elsewhere', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
]

for (const [what, answer] of wrong) {
  test(`a collector that ${what} keeps no device from its session, nor for long from its end`, async (t) => {
    const bad = await Collector.open(answer)
    if (answer) t.after(() => bad.close())
    const machine = new Machine(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: bad.url })
    if (!answer) bad.close()
    const ended = connecting(machine, home)
    await until(() => machine.said.some(({ stream }) => stream === 'stdout'))
    const told = performance.now()
    const { code, stdout } = await ended
    const more = performance.now() - told
    assert.equal(code, 0)
    assert.equal(JSON.parse(stdout).result, 'success')
    // It waits 2 s for the collector; the exporter itself would for 10 s, and to send again for an hour.
    assert.ok(more < 8000, `${Math.round(more)} ms`)
  })
}

test('an environment that makes no sense keeps no device from its session', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'no URL', OTEL_TRACES_SAMPLER: 'dice', OTEL_TRACES_SAMPLER_ARG: 'six' }
  const { code } = await connecting(new Machine(undefined, env), home)
  assert.equal(code, 0)
})
