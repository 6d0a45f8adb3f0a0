// Ports for what must be found at a place that is known before, or come back where it was.

import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/**
 * The system gives these to nobody by itself: neither to a listener that takes any port, nor as the source of a connection. Of its
 * own ports a connection may take one as soon as the listener is gone, even the one that tries to reach it.
 */
const FIRST = 10_000
const BEYOND = 32_000
const TRIES = 100

/** A port of 127.0.0.1, TCP and UDP, that is free now, and that nobody gets who does not ask for it. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FIRST, BEYOND)
    if ((await isFree(port)) && (await isFreeOfUdp(port))) return port
  }
  throw new Error(`none of ${TRIES} ports is free`)
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer().once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  return promise
}

function isFreeOfUdp(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = createSocket('udp4').once('error', () => resolve(false))
  socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  return promise
}
