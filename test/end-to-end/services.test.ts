// What people use services for, by the command line: mosquitto, curl, standard input and output. And how streams end.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect as connectTo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { formatHostPort, listenTcp } from '@opencpns/io'
import { readCredential } from '@opencpns/pne'
import { outcome } from '../../packages/cli/test/support.ts'
import { freePort } from '../support/ports.ts'
import { anyPort } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { readProxyHeader } from './proxy-header.ts'
import { Scene } from './scene.ts'

const run = promisify(execFile)
const web = createHttpServer((request, response) => response.end(`you asked for ${request.url}`))
/** What the service `listener` has heard, a connection each. */
const heard: { octets: Buffer; ended: boolean; closed: boolean }[] = []
let scene: Scene
let ports: Record<string, number>
let mqtt: { host: string; port: number }
let sleeping: Socket | undefined

before(async () => {
  scene = await Scene.open()
  const listener = await scene.service(listen)
  mqtt = { host: '127.0.0.1', port: await freePort() }
  const services = {
    echo: await scene.service((socket) => void socket.pipe(socket)),
    greeter: await scene.service((socket) => listen(socket.end('greetings'))),
    sleeper: await scene.service((socket) => {
      sleeping = socket.pause()
    }),
    counter: await scene.service((socket) => void heardFrom(socket).then((all) => socket.end(String(all.length)))),
    breaker: await scene.service((socket) => void socket.once('data', () => socket.resetAndDestroy())),
    http: await listenTcp(web, anyPort),
    mqtt,
    listener,
    diary: { ...listener, more: 'proxy-protocol = true\nusers = ["alice"]' },
    secret: { ...listener, more: 'users = ["bob"]' },
  }
  const tables = Object.entries(services).map(([name, { host, port, ...others }]) => {
    const more = 'more' in others ? others.more : ''
    return `[services.${name}]\naddress = "${formatHostPort({ host, port })}"\n${more}\n`
  })
  await scene.startGateway(tables.join(''))
  ports = (await scene.forward(...Object.keys(services))).ports
})

after(async () => {
  web.close()
  await scene.close()
})

function listen(socket: Socket): void {
  const one = { octets: Buffer.alloc(0), ended: false, closed: false }
  heard.push(one)
  socket.on('data', (chunk: Buffer) => {
    one.octets = Buffer.concat([one.octets, chunk])
  })
  socket.on('end', () => {
    one.ended = true
    socket.end()
  })
  socket.on('close', () => {
    one.closed = true
  })
}

/** A connection to a forwarded port. */
function local(service: string): Socket {
  const socket = connectTo({ port: ports[service] ?? 0, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  return socket.on('error', () => {})
}

/** All that comes until the other side ends; a connection that breaks off rejects. It does not end this side. */
async function heardFrom(socket: Socket): Promise<string> {
  let all = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) all += chunk
  return all
}

/** Resolves when it is closed, well or badly. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function found(program: string, ...args: string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    (error) => error.code !== 'ENOENT',
  )
}

test('MQTT: mosquitto_pub and mosquitto_sub through forwarded ports', async (t) => {
  if (!(await found('mosquitto', '-h')) || !(await found('mosquitto_pub', '--help'))) {
    t.skip('there is no mosquitto: apt-get install mosquitto mosquitto-clients')
    return
  }
  const broker = spawn('mosquitto', ['-p', String(mqtt.port)], { stdio: 'ignore' })
  t.after(() => broker.kill())
  await until(() => reachable(mqtt))
  const args = ['-h', '127.0.0.1', '-p', String(ports['mqtt']), '-t', 'living-room/temperature']
  // Retained, so that it does not matter who comes first.
  await run('mosquitto_pub', [...args, '-r', '-q', '1', '-m', '21.5'])
  const { stdout } = await run('mosquitto_sub', [...args, '-C', '1', '-W', '60'])
  assert.equal(stdout, '21.5\n')
})

function reachable({ host, port }: typeof mqtt): Promise<boolean> {
  const socket = connectTo({ host, port })
  return once(socket, 'connect').then(
    () => !!socket.destroy(),
    () => false,
  )
}

test('HTTP: curl, several requests, each on a connection of its own and all on one', async (t) => {
  if (!(await found('curl', '--version'))) return t.skip('there is no curl: apt-get install curl')
  const urls = ['/a', '/b', '/c'].map((path) => `http://127.0.0.1:${ports['http']}${path}`)
  const all = await Promise.all(urls.map((url) => run('curl', ['-sS', '--fail', url])))
  assert.deepEqual(
    all.map(({ stdout }) => stdout),
    ['you asked for /a', 'you asked for /b', 'you asked for /c'],
  )
  const { stdout } = await run('curl', ['-sS', '--fail', ...urls])
  assert.equal(stdout, 'you asked for /ayou asked for /byou asked for /c')
})

test('standard input and output, in turns as in a dialogue, and nothing else is printed', async () => {
  const child = scene.connect('-W', 'echo')
  const errors = text(child.stderr as NodeJS.ReadableStream)
  const answers = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  for (const word of ['SSH-2.0-test', 'a', '\u0000\u0007'.repeat(100)]) {
    child.stdin?.write(`${word}\n`)
    assert.equal((await answers.next()).value, word)
  }
  child.stdin?.end()
  const [code] = await once(child, 'exit')
  assert.deepEqual([code, await errors], [0, ''])
})

test('-W: the end of standard input reaches the service, and what it answers then still comes', async () => {
  const child = scene.connect('-W', 'counter')
  child.stdin?.end('x'.repeat(100_000))
  assert.deepEqual(await outcome(child), { code: 0, stdout: '100000', stderr: '' })
})

test('-W: the end of the service ends the command with exit code 0, though there may be more input', async () => {
  const child = scene.connect('-W', 'greeter')
  assert.deepEqual(await outcome(child), { code: 0, stdout: 'greetings', stderr: '' })
})

test('-W: a service that breaks off, is forbidden or unknown: exit code 4, and nothing on standard output', async () => {
  const broken = scene.connect('-W', 'breaker', '--json')
  broken.stdin?.write('x')
  const refusals = [
    [broken, /^opencpns: cannot go on: the session was lost/],
    [scene.connect('-W', 'secret', '--json'), /the gateway has no such service for this device/],
    [scene.connect('-W', 'unknown', '--json'), /the gateway has no such service for this device/],
  ] as const
  const outcomes = await Promise.all(refusals.map(([child]) => outcome(child)))
  for (const [at, { code, stdout, stderr }] of outcomes.entries()) {
    assert.deepEqual([code, stdout], [4, ''])
    assert.match(stderr, refusals[at]?.[1] ?? /^$/)
  }
})

test('the end of one direction is the end of that direction alone, both ways', async () => {
  const client = local('greeter')
  const greetings = await heardFrom(client)
  assert.equal(greetings, 'greetings', 'the service ended first')
  client.end('goodbye')
  await until(() => heard.some(({ octets, ended }) => ended && octets.equals(Buffer.from('goodbye'))))

  const other = local('echo')
  other.end('last words')
  assert.equal(await heardFrom(other), 'last words', 'the client ended first')
})

test('a connection that breaks off is no end, at either end', async () => {
  const client = local('breaker')
  let ended = false
  client.on('end', () => {
    ended = true
  })
  client.write('x')
  await closed(client)
  assert.equal(ended, false, 'reset by the service')

  const before = heard.length
  const sender = local('listener')
  sender.write('half of a mes')
  await until(() => heard[before]?.octets.length === 13)
  sender.resetAndDestroy()
  await until(() => heard[before]?.closed === true)
  assert.equal(heard[before]?.ended, false, 'reset by the client')
})

test('errors of one connection leave the others alone', async () => {
  const good = local('echo')
  good.write('a')
  assert.equal(String((await once(good, 'data'))[0]), 'a')
  for (const service of ['secret', 'breaker']) {
    const bad = local(service)
    bad.write('x')
    await closed(bad)
  }
  good.end('b')
  assert.equal(await heardFrom(good), 'b')
})

test('a slow reader: the writer has to wait, and nothing is lost', async () => {
  const client = local('sleeper')
  const chunk = Buffer.alloc(1024 * 1024, 1)
  let written = 0
  const write = () => {
    while (client.write(chunk, () => (written += chunk.length)) && written < 2 ** 31);
  }
  client.on('drain', write)
  write()
  await until(() => sleeping !== undefined)
  await steady(() => written)
  // What the kernel holds on three connections is some megabytes; a gateway or a device that reads on would take all.
  assert.ok(written < 32 * 2 ** 20, `${written} octets went to a service that does not read`)
  client.removeListener('drain', write)
  client.end()
  let read = 0
  sleeping?.on('data', (octets: Buffer) => (read += octets.length)).resume()
  await until(() => sleeping?.readableEnded === true)
  assert.equal(read, client.bytesWritten)
})

/** Resolves when a figure has not changed for half a second. */
async function steady(figure: () => number): Promise<void> {
  let last = -1
  let since = performance.now()
  await until(() => {
    if (figure() !== last) since = performance.now()
    last = figure()
    return performance.now() - since > 500
  })
}

test('PROXY protocol: the service knows the device, the session, and where it comes from', async () => {
  const before = heard.length
  const client = local('diary')
  client.end('dear diary')
  await until(() => heard[before]?.ended === true)
  const { source, sourcePort, destinationPort, tlvs, rest } = readProxyHeader(heard[before]?.octets ?? Buffer.alloc(0))
  assert.equal(source, '127.0.0.1')
  assert.ok(sourcePort > 0)
  assert.equal(destinationPort, scene.gatewayAddress.port)
  assert.match(tlvs.get(0x02) ?? '', /^[\w-]{43}@example\.org$/)
  assert.match(tlvs.get(0x05) ?? '', /^[\w-]{22}$/)
  assert.equal(rest.toString(), 'dear diary')
})

test('a gateway that is killed and comes back, with connections going on: new ones work again', async () => {
  const steadily = new Pulse(() => local('echo'))
  await until(() => steadily.good >= 3)
  await scene.killGateway()
  await until(() => steadily.bad >= 3)
  await scene.restartGateway()
  const { good } = steadily
  await until(() => steadily.good >= good + 3)
  await steadily.stop()
})

/** Opens connections to an echo, one after the other, and counts. */
class Pulse {
  good = 0
  bad = 0
  #on = true
  readonly #done: Promise<void>

  constructor(open: () => Socket) {
    this.#done = this.#beat(open)
  }

  stop(): Promise<void> {
    this.#on = false
    return this.#done
  }

  async #beat(open: () => Socket): Promise<void> {
    while (this.#on) {
      const socket = open()
      socket.end('pulse')
      const answer = await heardFrom(socket).catch(() => '')
      socket.destroy()
      if (answer === 'pulse') this.good++
      else this.bad++
    }
  }
}

// The last one: it revokes the device.
test('revocation while data flows: every connection is reset, an idle one too, and there is no other', async () => {
  const idle = local('echo')
  idle.write('a')
  await once(idle, 'data')
  let idleEnded = false
  idle.on('end', () => {
    idleEnded = true
  })
  const idleOver = closed(idle)
  const client = local('echo')
  let octets = 0
  let ended = false
  client.on('data', (chunk: Buffer) => (octets += chunk.length)).on('end', () => (ended = true))
  const chunk = Buffer.alloc(64 * 1024)
  const write = () => {
    while (client.write(chunk));
  }
  client.on('drain', write)
  write()
  await until(() => octets > 2 ** 20)
  const over = closed(client)
  await scene.stage.revoke(await readCredential(scene.credential))
  await Promise.all([over, idleOver])
  assert.deepEqual([ended, idleEnded], [false, false])
  const again = local('echo')
  again.write('x')
  await closed(again)
  assert.equal(again.bytesRead, 0)
})
