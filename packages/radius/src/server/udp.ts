// RADIUS over UDP, the server's socket. RFC 2865 section 3 (port 1812).

import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { RadiusError } from '../errors.ts'
import type { Log } from './discards.ts'
import type { Source } from './exchange.ts'

export interface UdpOptions {
  /** Numeric address to listen on; '::' takes IPv4 too. */
  readonly host: string
  /** 1812 is RADIUS's own; 0 for any free one. */
  readonly port: number
  /** SO_RCVBUF, octets: how much of a burst the kernel keeps. The kernel has a limit of its own. */
  readonly receiveBufferOctets?: number
}

/** A socket that takes requests. */
export interface Listener {
  readonly address: { host: string; port: number }
  /** Stops taking requests; answers can still be sent. */
  pause(): void
  close(): Promise<void>
}

export type Receive = (datagram: Buffer, source: Source) => void

const RECEIVE_BUFFER_OCTETS = 1 << 20

/** @throws {RadiusError} RADIUS_LISTEN_FAILED */
export async function listenUdp(receive: Receive, options: UdpOptions, log?: Log): Promise<Listener> {
  const { host, port, receiveBufferOctets = RECEIVE_BUFFER_OCTETS } = options
  const type = host.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type, recvBufferSize: receiveBufferOctets, lookup: numericLookup })
  try {
    // With a look-up that answers at once, so does bind.
    const listening = once(socket, 'listening')
    socket.bind(port, host)
    await listening
  } catch (cause) {
    socket.close()
    throw new RadiusError('RADIUS_LISTEN_FAILED', `Cannot listen for RADIUS on UDP ${host}:${port}`, { cause })
  }
  let paused = false
  let closed = false
  const send: Send = (octets, to) => {
    if (closed) return
    socket.send(octets, to.port, to.address, (err) => {
      if (err && !closed)
        log?.warn(
          { event: 'radius-not-sent', err, address: to.address, port: to.port },
          'A RADIUS answer could not be sent',
        )
    })
  }
  socket.on('message', (datagram, from) => {
    if (!paused) receive(datagram, new UdpSource(from, send))
  })
  socket.on('error', (err) => log?.error({ event: 'radius-socket', err }, 'The RADIUS socket reports an error'))

  return {
    address: { host, port: socket.address().port },
    pause() {
      paused = true
    },
    close() {
      closed = true
      return new Promise((resolve) => socket.close(resolve))
    },
  }
}

type Send = (octets: Buffer, to: RemoteInfo) => void

class UdpSource implements Source {
  readonly transport = 'udp'
  readonly address: string
  readonly port: number
  readonly certificate = undefined
  readonly client = undefined
  readonly #from: RemoteInfo
  readonly #send: Send

  constructor(from: RemoteInfo, send: Send) {
    this.address = withoutMapping(from.address)
    this.port = from.port
    this.#from = from
    this.#send = send
  }

  send(octets: Buffer): void {
    this.#send(octets, this.#from)
  }

  /** The source of a datagram may be forged: nobody is held responsible for it. */
  offend(): void {}
}

/** Answers go to numeric addresses alone, so nothing is ever looked up. */
function numericLookup(
  address: string,
  options: number | object,
  done: (err: null, address: string, family: number) => void,
): void {
  done(null, address, typeof options === 'number' ? options : address.includes(':') ? 6 : 4)
}

/** 192.0.2.1 for ::ffff:192.0.2.1, as a socket of IPv6 shows a sender of IPv4. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}
