// Addresses, connecting and listening.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { connectTcp, formatHostPort, listenTcp, parseHostPort } from '../src/index.ts'
import { nothingHeld, serve } from './support.ts'

test('addresses are read, and written again as they were', () => {
  const addresses = {
    '127.0.0.1:7411': { host: '127.0.0.1', port: 7411 },
    '[::1]:7411': { host: '::1', port: 7411 },
    '[fe80::1%eth0]:1': { host: 'fe80::1%eth0', port: 1 },
    'hub.example.org:65535': { host: 'hub.example.org', port: 65_535 },
    'localhost:0': { host: 'localhost', port: 0 },
  }
  for (const [text, address] of Object.entries(addresses)) {
    assert.deepEqual(parseHostPort(text), address)
    assert.equal(formatHostPort(address), text)
  }
})

test('defaults fill what is missing, and only that', () => {
  const defaults = { host: '127.0.0.1', port: 7411 }
  assert.deepEqual(parseHostPort('hub', defaults), { host: 'hub', port: 7411 })
  assert.deepEqual(parseHostPort('[::1]', defaults), { host: '::1', port: 7411 })
  assert.deepEqual(parseHostPort(':80', defaults), { host: '127.0.0.1', port: 80 })
  assert.deepEqual(parseHostPort('hub:80', defaults), { host: 'hub', port: 80 })
})

test('what is no address is refused', () => {
  const wrong = [
    '',
    ':',
    'hub',
    ':7411',
    '::1:7411',
    '[::1]',
    '[hub]:1',
    'hub:',
    'hub:65536',
    'hub:-1',
    'hub:1x',
    'a b:1',
  ]
  for (const text of wrong) assert.throws(() => parseHostPort(text), { code: 'BAD_ADDRESS' }, text)
  assert.throws(() => parseHostPort('', { host: 'hub', port: 1 }), { code: 'BAD_ADDRESS' })
})

test('a connection works, and has no listener of ours but the one that swallows errors', async (t) => {
  const address = await serve(t, (socket) => socket.end('hi'))
  const socket = await connectTcp({ ...address, timeoutMs: 30_000 })
  assert.equal(socket.listenerCount('error'), 1)
  const [chunk] = await once(socket, 'data')
  assert.equal(chunk.toString(), 'hi')
})

test('where nobody listens, the error says so', async () => {
  const port = 1 // no system gives that to anybody who asks for any port
  await assert.rejects(connectTcp({ host: '127.0.0.1', port, timeoutMs: 30_000 }), {
    code: 'UNREACHABLE',
    message: `cannot reach 127.0.0.1:${port}: connection refused`,
  })
  await assert.rejects(connectTcp({ host: 'localhost', port, timeoutMs: 30_000 }), {
    message: `cannot reach localhost:${port}: connection refused`,
  })
})

test('a name that does not exist is unreachable', async () => {
  const wait = connectTcp({ host: 'no-such-host.invalid', port: 1, timeoutMs: 5000 })
  await assert.rejects(wait, (error: { code: string }) => ['UNREACHABLE', 'DEADLINE_EXCEEDED'].includes(error.code))
})

test('the signal ends an attempt and frees it', async (t) => {
  const address = await serve(t, () => {})
  await assert.rejects(connectTcp({ ...address, timeoutMs: 60_000, signal: AbortSignal.abort() }), { code: 'ABORTED' })
  await nothingHeld()
})

test('a server says where it listens', async (t) => {
  const { server, host, port } = await listenTcp(createServer(), { host: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  assert.equal(host, '127.0.0.1')
  assert.ok(port > 0)
  assert.equal(server.listenerCount('error'), 0)
})

test('a taken port is told with what to do', async (t) => {
  const { port } = await serve(t, () => {})
  await assert.rejects(
    listenTcp(() => {}, { host: '127.0.0.1', port }),
    {
      code: 'PORT_TAKEN',
      message: `port ${port} of 127.0.0.1 is taken: stop the program that uses it or choose another with --listen`,
    },
  )
})

test('an address of another machine cannot be listened on', async () => {
  const listening = listenTcp(() => {}, { host: '192.0.2.1', port: 0 })
  await assert.rejects(listening, { code: 'LISTEN_FAILED', message: /this machine has no such address/ })
})
