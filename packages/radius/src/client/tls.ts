// RADIUS over TLS, a client's connection: RFC 6614. The server's certificate must be of the CA and bear the server's name.

import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { RadiusError } from '../errors.ts'
import { PacketSplitter } from '../stream.ts'
import type { UdpTarget } from './udp.ts'
import type { OpenWire } from './wire.ts'

export interface TlsCredentials {
  /** Who signs the server's certificate, PEM. */
  readonly ca: string | Buffer
  /** The client's certificate (chain) and key, PEM. */
  readonly cert: string | Buffer
  readonly key: string | Buffer
  /** The name in the server's certificate, where it is not `host`. */
  readonly serverName?: string
  /** For the connection and the TLS handshake together. Default 10 s. */
  readonly connectTimeoutMs?: number
}

/** @throws {RadiusError} RADIUS_UNREACHABLE: no connection, or a certificate that does not hold */
export function tlsWire({ host, port }: UdpTarget, credentials: TlsCredentials): OpenWire {
  const { ca, cert, key, serverName = host, connectTimeoutMs = 10_000 } = credentials
  return async ({ onPacket, onBroken }) => {
    const name = isIP(serverName) ? {} : { servername: serverName }
    const socket = connect({ host, port, ca, cert, key, ...name, minVersion: 'TLSv1.2', rejectUnauthorized: true })
    socket.setNoDelay(true)
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(connectTimeoutMs) })
    } catch (cause) {
      socket.destroy()
      throw new RadiusError('RADIUS_UNREACHABLE', `Cannot reach the RADIUS server ${host}:${port} over TLS`, { cause })
    }
    const splitter = new PacketSplitter()
    let broken: Error | undefined
    socket.on('error', (error) => {
      broken = error
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const packet of splitter.push(chunk)) onPacket(packet)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    socket.once('close', () => onBroken(broken))
    return {
      send: (octets) => void socket.write(octets),
      close: () => void socket.destroy(),
    }
  }
}
