// The bound on connections that are not authenticated yet: docs/protocol.md section 8.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Admission, acceptTlsPsk, connectTcp } from '../src/index.ts'
import { closed, serve, socketPair } from './support.ts'

test('of 300 silent connections the last 100 stay, and one that speaks still gets in', async (t) => {
  const admission = new Admission(100)
  const address = await serve(t, (socket) => {
    const ticket = admission.admit(socket)
    socket.once('data', (chunk) => {
      ticket.done()
      socket.write(chunk)
    })
  })
  const silent: Socket[] = []
  for (let i = 0; i < 300; i++) silent.push((await connectTcp({ ...address, timeoutMs: 30_000 })).resume())
  t.after(() => {
    for (const socket of silent) socket.destroy()
  })
  const speaker = await connectTcp({ ...address, timeoutMs: 30_000 })
  speaker.write('hello')
  assert.equal((await once(speaker, 'data')).toString(), 'hello')
  await Promise.all(silent.slice(0, 201).map(closed))
  assert.deepEqual([admission.waiting, admission.displaced], [99, 201])
  assert.ok(silent.slice(201).every((socket) => !socket.destroyed))
  speaker.destroy()
})

test('a connection that authenticated is not displaced', () => {
  const admission = new Admission(1)
  const first = new PassThrough()
  const ticket = admission.admit(first)
  ticket.done()
  ticket.done()
  admission.admit(new PassThrough())
  assert.equal(first.destroyed, false)
  assert.equal(first.listenerCount('close'), 0)
  assert.deepEqual([admission.waiting, admission.displaced], [1, 0])
})

test('a connection that ended gives its place back', async () => {
  const admission = new Admission(1)
  const socket = new PassThrough()
  admission.admit(socket)
  socket.destroy()
  await once(socket, 'close')
  assert.equal(admission.waiting, 0)
})

test('a connection displaced within its TLS handshake is refused there', async (t) => {
  const admission = new Admission(1)
  const [first] = await socketPair(t)
  const [second] = await socketPair(t)
  admission.admit(first)
  const handshake = acceptTlsPsk(first, { identity: 'i', psk: Buffer.alloc(32), alpn: 'a', timeoutMs: 30_000 })
  admission.admit(second)
  await assert.rejects(handshake, { code: 'TLS_REFUSED' })
})
