// Services: a session that names one is, after step 8, the byte stream of a TCP connection behind the gateway.

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connectTcp } from '@opencpns/io'
import { MESSAGE_DEADLINE_MS, Result } from '@opencpns/protocol'
import { Refusal } from './refusal.ts'

/** Where a service is, and the PNEs that may use it, by PNE id: all of them where `pnes` is missing. */
export interface Service {
  readonly host: string
  readonly port: number
  readonly pnes?: readonly string[] | undefined
}

/**
 * Connects to the service that a PNE named, before it is told success.
 * @throws {Refusal} serviceUnavailable: no such service, not for this PNE, or it does not answer
 */
export async function connectService(
  services: ReadonlyMap<string, Service>,
  name: string,
  pneId: string | undefined,
): Promise<Socket> {
  const service = services.get(name)
  if (!service) throw new Refusal(Result.serviceUnavailable, 'service-unknown')
  if (service.pnes && !(pneId && service.pnes.includes(pneId))) {
    throw new Refusal(Result.serviceUnavailable, 'service-not-permitted')
  }
  try {
    const socket = await connectTcp({ host: service.host, port: service.port, timeoutMs: MESSAGE_DEADLINE_MS })
    socket.allowHalfOpen = true
    return socket
  } catch {
    throw new Refusal(Result.serviceUnavailable, 'service-unreachable')
  }
}

/**
 * Joins two streams, both ways, each at the pace of the slower side; an end is handed on as an end of that direction alone.
 * Resolves when both are closed; a failure of one destroys the other.
 */
export function join(one: Duplex, other: Duplex): Promise<void> {
  one.pipe(other)
  other.pipe(one)
  return Promise.all([closed(one, other), closed(other, one)]).then(() => {})
}

function closed(stream: Duplex, other: Duplex): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => {}) // 'close' follows, and tells all that we need
    const end = () => {
      if (!stream.readableEnded || !stream.writableFinished) other.destroy()
      resolve()
    }
    if (stream.closed) end()
    else stream.once('close', end)
  })
}
