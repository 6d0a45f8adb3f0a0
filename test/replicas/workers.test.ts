// A server with workers, as a process of its own on SQLite: what the operator does at the primary holds at gateways of all workers, a
// worker that dies is replaced, and the end of the server is waited for.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createTicket, type Gateway, runGateway } from '@opencpns/gateway'
import { parseHostPort, silent } from '@opencpns/io'
import { type Credential, connect, pair } from '@opencpns/pne'
import { Code, encodeRequest, SharedSecret, splitEapMessage, UserName } from '@opencpns/radius'
import { readAdminAccess } from '@opencpns/server'
import type { Running } from '../end-to-end/processes.ts'
import { addressOf, freePort, ProcessTown } from '../end-to-end/town.ts'
import { anyPort } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { load, outcomeAt } from './outcome.ts'

const LAUNCHER = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))
const WORKERS = 2
/** So many that no worker is without one, in turn or by chance. */
const GATEWAYS = 4

let town: ProcessTown
let server: Running
const gateways: Gateway[] = []
const watches: Credential[] = []
/** What the gateways log. */
const lines: Record<string, unknown>[] = []
const log = (facts: object) => void lines.push({ ...facts })
const logger = { ...silent, info: log, warn: log, error: log }

before(async () => {
  town = await ProcessTown.open()
  server = await startServer(await freePort())
  await town.addUser()
  for (let i = 0; i < GATEWAYS; i++) gateways.push(await startGateway(`gw-${i}`))
  for (let i = 0; i < 3; i++) {
    const { uri } = await createTicket({ dataDir: town.path('gw-0') })
    watches.push(await pair({ uri, credentialFile: town.path(`watch-${i}.json`) }))
  }
})

after(async () => {
  for (const gateway of gateways) await gateway.close({ graceMs: 0 })
  await town?.close()
})

function startServer(port: number, ...more: string[]): Promise<Running> {
  const where = ['--listen', `127.0.0.1:${port}`, '--admin', '127.0.0.1:0', '--radius', '127.0.0.1:0']
  const options = ['--data', town.path('server'), '--workers', String(WORKERS), '--transient-key-lifetime', '0']
  return town.machine.start('server', 'run', ...options, ...where, ...more)
}

async function startGateway(name: string): Promise<Gateway> {
  await town.addGateway(name)
  const files = { credentialFile: town.path(`${name}.json`), dataDir: town.path(name) }
  return runGateway({ ...files, server: addressOf(server, 'cpns'), listen: anyPort, logger })
}

// biome-ignore lint/suspicious/noExplicitAny: documents from outside, whose shape is what the tests are about
async function document(path: string, body?: object): Promise<any> {
  return (await admin(path, body)).json()
}

async function admin(path: string, body?: object): Promise<Response> {
  const { url, token } = await readAdminAccess(town.path('server'))
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
  return fetch(url + path, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) })
}

/** The processes that the server has started. */
function workers(pid = server.pid): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

/** A metric by its name and labels as they stand there. */
async function metric(name: string): Promise<number> {
  const text = await (await admin('/metrics')).text()
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  )
}

test('gateways are spread over the workers, and all of them are told of a revocation', async (t) => {
  const [watch = assert.fail()] = watches
  const sessions = await Promise.all(gateways.map(({ address }) => connect({ ...address, credential: watch })))
  const since = performance.now()
  const { status } = await admin(`/v1/pnes/${watch.pneId}/revoke`, {})
  assert.equal(status, 200)
  assert.deepEqual(
    await Promise.all(sessions.map(({ closed }) => closed)),
    gateways.map(() => 'revoked'),
  )
  t.diagnostic(`${Math.round(performance.now() - since)} ms from the request to the end of the last session`)
  for (const gateway of gateways) assert.equal(await outcomeAt(gateway, watch, lines), 'AUTHENTICATION_FAILED')
})

test('/metrics counts what all processes do, once; the operator sees every link, and asks a gateway whichever worker has it', async () => {
  await until(async () => (await metric('opencpns_server_links')) === GATEWAYS, 'it does not count every link')
  assert.equal(await metric('opencpns_server_users'), 1)
  assert.equal(await metric('opencpns_server_info{version="0.1.0"}'), 1)
  for (let i = 0; i < GATEWAYS; i++) {
    const isConnected = async () => (await document(`/v1/gateways/gw-${i}`)).connected === true
    await until(isConnected, `gw-${i} is not connected`)
    const { uri } = await document(`/v1/gateways/gw-${i}/tickets`, { name: 'ring' })
    assert.match(uri, new RegExp(`g=gw-${i}@`))
  }
})

test('what happens at the workers is seen at the primary', async () => {
  const [, watch = assert.fail()] = watches
  for (const gateway of gateways.slice(1)) assert.equal(await outcomeAt(gateway, watch, lines), 'success')
  const accepted = () => metric('opencpns_server_authentications_total{door="cpns",result="accepted",reason=""}')
  const before = GATEWAYS - 1 // of the first test
  await until(async () => (await accepted()) === before + GATEWAYS - 1, 'they are not counted')
  await until(async () => {
    const { items } = await document(`/v1/authentications?pne=${watch.pneId}&case=remote`)
    return items.length >= GATEWAYS - 1
  }, 'they are not in the log')
})

test('RADIUS: a request that is sent again gets the very same answer, and another one another', async () => {
  const { secret } = await document('/v1/gateways', { name: 'pole', user: 'alice', radius: '127.0.0.1' })
  const listen = server.documents[0]?.['listen'] as Record<string, string>
  const { port } = parseHostPort(listen['radius'] ?? '')
  const identity = Buffer.from(`${'A'.repeat(43)}@example.org`)
  const eap = Buffer.concat([Buffer.of(2, 0, 0, 5 + identity.length, 1), identity])
  const attributes = [UserName.of(identity.toString()), ...splitEapMessage(eap)]
  const request = (identifier: number) =>
    encodeRequest(Code.AccessRequest, identifier, attributes, SharedSecret.of(secret)).octets
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const ask = async (octets: Buffer): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    // What was sent more than once is answered more than once: an answer to the request before may come late.
    const receive = (answer: Buffer) => answer[1] === octets[1] && resolve(answer)
    socket.on('message', receive)
    const sending = setInterval(() => socket.send(octets, port, '127.0.0.1'), 300)
    socket.send(octets, port, '127.0.0.1')
    const answer = await promise
    clearInterval(sending)
    socket.off('message', receive)
    return answer.toString('hex')
  }
  const octets = request(1)
  const first = await ask(octets)
  for (let i = 0; i < 8; i++) assert.equal(await ask(octets), first)
  assert.notEqual(await ask(request(2)), first)
  socket.close()
})

test('a worker that is killed under load is replaced; gateways of the other one do not notice, its own come back', async (t) => {
  const [, watch = assert.fail()] = watches
  const pressures = gateways.slice(1).map((gateway) => load(gateway, watch, lines, 2))
  t.after(() => Promise.all(pressures.map((pressure) => pressure.stop())))
  await Promise.all(pressures.map((pressure) => pressure.more(5)))
  const [victim = assert.fail()] = workers()
  process.kill(victim, 'SIGKILL')
  await until(() => workers().length === WORKERS && !workers().includes(victim), 'it is not replaced', 30_000)
  await until(async () => (await metric('opencpns_server_links')) === GATEWAYS, 'not all are back', 30_000)
  await Promise.all(pressures.map((pressure) => pressure.more(5)))
  await Promise.all(pressures.map((pressure) => pressure.stop()))
  const outcomes = pressures.map((pressure) => new Set(pressure.outcomes))
  assert.ok(
    outcomes.some((set) => set.size === 1 && set.has('success')),
    'nobody was spared',
  )
  for (const set of outcomes) for (const outcome of set) assert.ok(['success', 'SERVER_UNREACHABLE'].includes(outcome))
})

test('when the primary is killed, workers write what they know and end; started again, the server has its gateways back', async () => {
  const [, , watch = assert.fail()] = watches // of which nothing is in the log yet
  const [, gateway = assert.fail()] = gateways
  const all = workers()
  assert.equal(await outcomeAt(gateway, watch, lines), 'success')
  await server.stop('SIGKILL')
  await until(() => all.every(isGone), 'a worker stays')
  server = await startServer(addressOf(server, 'cpns').port)
  const { items } = await document(`/v1/authentications?pne=${watch.pneId}&case=remote`)
  assert.equal(items.length, 1)
  await until(async () => (await metric('opencpns_server_links')) === GATEWAYS, 'not all are back')
})

/** Whoever takes over the children of the dead need not be quick to bury them. */
function isGone(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return true
  }
}

test('SIGTERM under load: all that is under way is answered, and every process ends', async (t) => {
  const [, watch = assert.fail()] = watches
  const [, gateway = assert.fail()] = gateways
  const pressure = load(gateway, watch, lines, 4)
  t.after(() => pressure.stop())
  await pressure.more(8)
  const all = workers()
  const since = performance.now()
  assert.equal(await server.stop(), 0)
  t.diagnostic(`${Math.round(performance.now() - since)} ms to the end`)
  for (const pid of all) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  await pressure.more(4)
  await pressure.stop()
  assert.deepEqual(new Set(pressure.outcomes), new Set(['success', 'SERVER_UNREACHABLE']))
  assert.ok(
    town.machine.said.every(({ stream, octets }) => stream !== 'stderr' || !/internal|bug/.test(String(octets))),
  )
})

test('a worker that cannot begin ends the server, with the words of what it failed for', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { code, stderr } = await town.attempt(
    ...['server', 'run', '--data', town.path('server'), '--workers', '2'],
    ...['--admin', '127.0.0.1:0', '--listen', `127.0.0.1:${port}`],
  )
  assert.equal(code, 4)
  assert.match(stderr, /port \d+ of 127\.0\.0\.1 is taken/)
  other.close()
})

test('Ctrl-C while the workers begin ends the server in good order, though it ends a worker that does not listen yet', async (t) => {
  const where = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', '2']
  const args = [LAUNCHER, 'server', 'run', '--data', town.path('server'), ...where, '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const said = Promise.all([text(child.stdout), text(child.stderr)])
  const closed = once(child, 'close')
  const pid = child.pid ?? assert.fail()
  await until(() => workers(pid).length > 0, 'no worker begins')
  const [worker = assert.fail()] = workers(pid)
  process.kill(worker, 'SIGSTOP') // it has not begun to listen, or has by chance: the end is the same
  for (const one of [pid, worker]) process.kill(one, 'SIGINT')
  process.kill(worker, 'SIGCONT')
  const [code] = await closed
  const [, stderr] = await said
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stderr, /internal error/)
})
