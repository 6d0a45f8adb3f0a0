// RADIUS over UDP, a client's socket. It is connected, so that the kernel drops datagrams of other senders.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { RadiusError } from '../errors.ts'
import type { OpenWire } from './wire.ts'

export interface UdpTarget {
  readonly host: string
  readonly port: number
}

/** @throws {RadiusError} RADIUS_UNREACHABLE: the host has no address, or there is no route */
export function udpWire({ host, port }: UdpTarget): OpenWire {
  return async ({ onPacket }) => {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' })
    try {
      socket.connect(port, host)
      await once(socket, 'connect')
    } catch (cause) {
      socket.close()
      throw new RadiusError('RADIUS_UNREACHABLE', `Cannot reach the RADIUS server ${host}:${port}`, { cause })
    }
    let closed = false
    socket.on('message', onPacket)
    // "Connection refused" may come from anybody, and the server may come back: retransmission goes on.
    socket.on('error', () => {})
    return {
      send(octets) {
        if (!closed) socket.send(octets, () => {})
      },
      close() {
        if (closed) return
        closed = true
        socket.close()
      },
    }
  }
}
