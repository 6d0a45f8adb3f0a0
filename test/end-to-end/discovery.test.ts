// A device finds its gateway on a network of its own, by multicast DNS, and a lie on that network does it no harm.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, type TestContext, test } from 'node:test'
import { Wire } from '../interop/radius/wire.ts'
import { Machine, type Running } from './processes.ts'

const skip = Wire.impossible()
const net = `10.${200 + (process.pid % 50)}.${(process.pid >> 6) % 250}`
const folder = mkdtempSync(join(tmpdir(), 'opencpns-discovery-'))
const path = (name: string) => join(folder, name)
const wire = new Wire()
const hub = new Machine(wire.namespace)
const device = new Machine()
const identity = 'home-gw@example.org'
const found = { identity, addresses: [`${net}.2`], port: 7411 }
let hubGateway: Running

function connectWire(): void {
  wire.open()
  const ip = (...args: string[]) => execFileSync('ip', args)
  const there = ['-n', wire.namespace]
  ip('addr', 'add', `${net}.1/24`, 'dev', wire.here)
  ip(...there, 'addr', 'add', `${net}.2/24`, 'dev', wire.there)
  ip(...there, 'link', 'set', 'lo', 'up')
}

if (!skip) {
  before(async () => {
    connectWire()
    await hub.opencpns('server', 'init', '--data', path('server'), '--realm', 'example.org')
    await hub.start('server', 'run', '--data', path('server'))
    await hub.opencpns('admin', 'user', 'add', 'alice', '--data', path('server'))
    const gateway = ['admin', 'gateway', 'add', 'home-gw', '--user', 'alice', '--out', path('home-gw.json')]
    await hub.opencpns(...gateway, '--data', path('server'))
    const where = ['--credential', path('home-gw.json'), '--data', path('home-gw'), '--server', '127.0.0.1:7410']
    hubGateway = await hub.start('gateway', 'run', ...where)
    const { uri } = await hub.opencpns('gateway', 'pair', '--data', path('home-gw'), '--address', `${net}.2:7411`)
    await device.opencpns('pne', 'pair', String(uri), '--credential', path('watch.json'))
  })
  after(async () => {
    await device.close()
    await hub.close()
    wire.close()
  })
}
after(() => rmSync(folder, { recursive: true, force: true }))

test('pne discover lists the gateway, its address and its port', { skip }, async () => {
  const { gateways } = await device.opencpns('pne', 'discover')
  assert.deepEqual(gateways, [found])
})

test('pne connect --discover finds it and authenticates', { skip }, async () => {
  const once = ['pne', 'connect', '--discover', '--credential', path('watch.json'), '--once']
  const { result, gateway } = await device.opencpns(...once)
  assert.deepEqual([result, gateway], ['success', identity])
})

test('pne run with discover = true finds it, loses it with the network, and comes back with it', { skip }, async () => {
  writeFileSync(path('pne.toml'), `credential = "watch.json"\ndiscover = true\n`)
  const running = await device.start('pne', 'run', '--config', path('pne.toml'))
  const { gateway, at } = await running.document(({ event }) => event === 'connected')
  assert.deepEqual([gateway, at], [identity, `${net}.2:7411`])
  // Its own address goes, so it asks the gateway and hears nothing.
  execFileSync('ip', ['addr', 'flush', 'dev', wire.here])
  const { reason } = await running.document(({ event }) => event === 'disconnected')
  assert.equal(reason, 'lost')
  const before = running.documents.length
  execFileSync('ip', ['addr', 'add', `${net}.3/24`, 'dev', wire.here])
  await running.document(({ event }) => event === 'connected', before)
  assert.equal(await running.stop(), 0)
})

/** Announces the same gateway on port 9, and closes every connection. Prints `ready`, and `visited` for each. */
async function startLiar(t: TestContext): Promise<ChildProcessByStdio<null, Readable, null>> {
  const liar = `
    import { announce } from ${JSON.stringify(new URL('../../packages/cli/src/discovery/announce.ts', import.meta.url))}
    import { createServer } from 'node:net'
    const server = createServer((socket) => {
      socket.destroy()
      console.log('visited')
    })
    server.listen(9, () => {
      const log = () => {}
      announce({ identity: '${identity}', port: 9, logger: { debug: log, info: log, warn: log, error: log } })
      console.log('ready')
    })`
  const args = ['netns', 'exec', wire.namespace, process.execPath, '--input-type=module', '-e', liar]
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  })
  await once(child.stdout, 'data')
  return child
}

const onceDiscovered = ['pne', 'connect', '--discover', '--credential', path('watch.json'), '--once']

test('somebody announces the same gateway elsewhere: it is listed, and trusted no more than before', {
  skip,
}, async (t) => {
  await startLiar(t)
  const { gateways } = await device.opencpns('pne', 'discover')
  const ports = (gateways as (typeof found)[]).map(({ port }) => port)
  assert.deepEqual(
    ports.toSorted((a, b) => a - b),
    [9, 7411],
  )
  const { result, gateway } = await device.opencpns(...onceDiscovered)
  assert.deepEqual([result, gateway], ['success', identity])
})

test('only the liar answers at first: when he has been tried, the gateway is looked for again, and found', {
  skip,
}, async (t) => {
  process.kill(hubGateway.pid, 'SIGSTOP')
  t.after(() => process.kill(hubGateway.pid, 'SIGCONT'))
  const liar = await startLiar(t)
  const visited = once(liar.stdout, 'data')
  const connected = device.opencpns(...onceDiscovered)
  await Promise.race([visited, connected])
  process.kill(hubGateway.pid, 'SIGCONT')
  const { result, gateway: at } = await connected
  assert.deepEqual([result, at], ['success', identity])
})
