// Services under load: large transfers, many sessions at once, many one after the other. The gateway and the device are
// processes of their own. With OPENCPNS_LONG=1 it takes minutes: 1 GiB each way instead of 256 MiB, 60 s of sessions instead of 10 s.

import assert from 'node:assert/strict'
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect as connectTo, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatHostPort } from '@opencpns/io'
import { until } from '../support/until.ts'
import { holdings, Scene } from './scene.ts'

const LONG = process.env['OPENCPNS_LONG'] === '1'
const MIB = 2 ** 20
const TRANSFER_OCTETS = (LONG ? 1024 : 256) * MIB
const CROWD = 1000
/** That begin at once: each has to be there within some seconds, of which a slow machine needs more than one for many. */
const BEGINNING = 50
const RATE = 200
const CHURN_S = LONG ? 60 : 10
/** A session that stays holds some 60 KiB. What the collector leaves for later is less than this for each. */
const GROWTH_MAX_OCTETS = RATE * CHURN_S * 32 * 1024

let scene: Scene
let ports: Record<string, number>
let forwarder: Awaited<ReturnType<Scene['forward']>>['child']
/** SHA-256 of what went into the source, and of what came to the sink. */
let sent: string | undefined
let received: string | undefined

before(async () => {
  scene = await Scene.open()
  const services = {
    echo: await scene.service((socket) => void socket.pipe(socket)),
    source: await scene.service((socket) => {
      const hash = createHash('sha256')
      pipeline(noise(TRANSFER_OCTETS, hash), socket).then(() => (sent = hash.digest('hex')))
    }),
    sink: await scene.service((socket) => {
      digest(socket).then((hash) => {
        received = hash
        socket.end()
      })
    }),
  }
  const tables = Object.entries(services).map(
    ([name, address]) => `[services.${name}]\naddress = "${formatHostPort(address)}"\n`,
  )
  await scene.startGateway(tables.join(''))
  const forwarded = await scene.forward(...Object.keys(services))
  forwarder = forwarded.child
  ports = forwarded.ports
})

after(() => scene.close())

function local(service: string): Socket {
  return connectTo({ port: ports[service] ?? 0, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
}

/** Random octets, no two chunks of which are the same, hashed as they go. */
function noise(octets: number, hash: Hash): Readable {
  const chunk = randomBytes(MIB)
  const chunks = function* () {
    for (let at = 0; at < octets; at += MIB) {
      const one = Buffer.from(chunk)
      one.writeUInt32BE(at / MIB, at % 65_536)
      hash.update(one)
      yield one
    }
  }
  return Readable.from(chunks())
}

async function digest(socket: Socket): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) hash.update(chunk)
  return hash.digest('hex')
}

test(`${TRANSFER_OCTETS / MIB} MiB to a service arrive as they were`, async () => {
  const hash = createHash('sha256')
  const client = local('sink')
  await pipeline(noise(TRANSFER_OCTETS, hash), client)
  client.resume()
  await until(() => received !== undefined)
  assert.equal(received, hash.digest('hex'))
})

test(`${TRANSFER_OCTETS / MIB} MiB from a service arrive as they were`, async () => {
  const client = local('source')
  const hash = await digest(client)
  client.end()
  await until(() => sent !== undefined)
  assert.equal(hash, sent)
})

test(`${CROWD} sessions at once, with data in each`, async (t) => {
  const clients: Socket[] = []
  t.after(() => {
    for (const client of clients) client.on('error', () => {}).destroy()
  })
  const begin = async () => {
    for (let at = clients.length; at < CROWD; at = clients.length) {
      const client = local('echo')
      clients.push(client)
      const first = `${at}: ${'x'.repeat(at)}`
      client.write(first)
      let heard = ''
      while (heard.length < first.length) heard += (await once(client, 'data'))[0]
      assert.equal(heard, first)
    }
  }
  await Promise.all(Array.from({ length: BEGINNING }, begin))
  assert.equal(clients.length, CROWD)
  // All of them are still there, and still work.
  const again = clients.map(async (client) => {
    client.write('again')
    return String((await once(client, 'data'))[0])
  })
  assert.deepEqual(new Set(await Promise.all(again)), new Set(['again']))
})

test(`${RATE} sessions a second, opened and closed for ${CHURN_S} s, leave nothing behind`, async (t) => {
  if (!existsSync('/proc/self/status')) return t.skip('what a process holds is read from /proc, which is not here')
  const { gateway } = scene
  assert.ok(gateway)
  const all = [gateway, forwarder]
  await churn(RATE * 3)
  await quiet()
  const before = all.map(holdings)
  await churn(RATE * CHURN_S)
  const filesMax = before.map(({ files }) => files + 2)
  await until(() => all.every((one, at) => holdings(one).files <= (filesMax[at] ?? 0)), 'files stay open')
  for (const [at, { octets }] of all.map(holdings).entries()) {
    const { octets: octetsBefore = 0 } = before[at] ?? {}
    const grown = octets - octetsBefore
    assert.ok(grown < GROWTH_MAX_OCTETS, `${(grown / MIB).toFixed(1)} MiB more after ${RATE * CHURN_S} sessions`)
  }

  async function quiet(): Promise<void> {
    let last = ''
    await until(async () => {
      const now = JSON.stringify(all.map((one) => holdings(one).files))
      const same = now === last
      last = now
      await sleep(200)
      return same
    })
  }
})

/** So many sessions, at the rate, or as fast as the machine can. */
async function churn(sessions: number): Promise<void> {
  const begun = performance.now()
  const open = new Set<Promise<void>>()
  for (let at = 0; at < sessions; at++) {
    const due = begun + (at * 1000) / RATE
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    while (open.size >= BEGINNING) await Promise.race(open)
    const one = echoOnce().finally(() => open.delete(one))
    open.add(one)
  }
  await Promise.all(open)
}

async function echoOnce(): Promise<void> {
  const client = local('echo')
  client.end('hello')
  let heard = ''
  for await (const chunk of client) heard += chunk
  assert.equal(heard, 'hello')
}
