// Pairs of sockets on loopback, closed after the test.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, connect as open, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Address, listenTcp } from '../src/index.ts'

/** Two ends of one TCP connection: the server's and the client's. */
export async function socketPair(t: TestContext): Promise<[Socket, Socket]> {
  const server = createServer({ noDelay: true })
  const { port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  const client = open({ host: '127.0.0.1', port, noDelay: true })
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown]
  server.close()
  for (const socket of [accepted, client]) socket.on('error', () => {})
  t.after(() => {
    accepted.destroy()
    client.destroy()
  })
  return [accepted, client]
}

/** A server on loopback that is gone after the test, with all its connections. */
export async function serve(t: TestContext, handler: (socket: Socket) => void): Promise<Address> {
  const sockets = new Set<Socket>()
  const { server, host, port } = await listenTcp(
    (socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      handler(socket)
    },
    { host: '127.0.0.1', port: 0 },
  )
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { host, port }
}

export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

/** Waits for the process to hold no socket and no timer: a closed handle goes a few turns later. Only a fault takes 20 s. */
export async function nothingHeld(): Promise<void> {
  for (let turn = 0; held().length > 0 && turn < 2000; turn++) await setTimeout(10)
  assert.deepEqual(held(), [])
}

function held(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(TCPSocketWrap|TLSWrap|Timeout)$/.test(name))
}
