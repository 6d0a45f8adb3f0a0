// RADIUS over TLS, the server's side: RFC 6614 (port 2083), with X.509 certificates on both ends and the fixed secret "radsec".
// Leaves out TLS-PSK and fingerprint lists of its section 2.3: one CA decides who may connect, `authorize` may narrow it.

import { constants } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { RadiusError } from '../errors.ts'
import { SharedSecret } from '../secret.ts'
import { PacketSplitter } from '../stream.ts'
import type { ClientCertificate, KnownClient, Source } from './exchange.ts'
import type { Listener, Receive } from './udp.ts'

export interface TlsOptions {
  readonly host: string
  /** 2083 is RADIUS over TLS's own; 0 for any free one. */
  readonly port: number
  /** The server's certificate (chain) and key, PEM. */
  readonly cert: string | Buffer
  readonly key: string | Buffer
  /** Who signs the clients' certificates, PEM. */
  readonly ca: string | Buffer
  /**
   * The last word on a client whose certificate is valid: whether it is let in, or the name under which it is. Without it,
   * all are, by the name in the certificate. What it throws refuses.
   */
  authorize?(certificate: ClientCertificate, address: string): Authorization | Promise<Authorization>
  /** Connections at once; more are closed. Default 1,024. */
  readonly maxConnections?: number
  /** For the TLS handshake, and for the rest of a packet once it began. Default 10 s. */
  readonly packetTimeoutMs?: number
  /** A connection without traffic is closed after this. Default 1 h. */
  readonly idleTimeoutMs?: number
}

/** A string is the name of the client. */
type Authorization = boolean | string

const MAX_UNSENT_OCTETS = 1 << 20

/** @throws {RadiusError} RADIUS_LISTEN_FAILED: the port is taken, or the certificate or key is none */
export async function listenTls(receive: Receive, options: TlsOptions): Promise<Listener> {
  const { host, port, maxConnections = 1024, packetTimeoutMs = 10_000, idleTimeoutMs = 3_600_000 } = options
  const connections = new Set<TlsSource>()
  let server: Server
  try {
    server = createServer({
      cert: options.cert,
      key: options.key,
      ca: options.ca,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: packetTimeoutMs,
    })
    server.maxConnections = maxConnections
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    throw new RadiusError('RADIUS_LISTEN_FAILED', `Cannot listen for RADIUS over TLS on ${host}:${port}`, { cause })
  }
  const closed = once(server, 'close')
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  server.on('secureConnection', (socket) => {
    void welcome(socket)
  })

  async function welcome(socket: TLSSocket): Promise<void> {
    const source = new TlsSource(socket)
    connections.add(source)
    socket.once('close', () => connections.delete(source))
    // Here, not where reading begins: a look-up that does not end must not keep the connection.
    socket.setTimeout(idleTimeoutMs, () => socket.destroy())
    const authorized = await authorization(source, options)
    if (authorized === false) return void socket.destroy()
    if (typeof authorized === 'string') source.client = { ...source.client, name: authorized }
    source.read(receive, packetTimeoutMs)
  }

  return {
    address: { host, port: (server.address() as AddressInfo).port },
    pause() {
      server.close()
      for (const connection of connections) connection.pause()
    },
    async close() {
      for (const connection of connections) connection.end()
      await closed
    },
  }
}

async function authorization({ certificate, address }: TlsSource, options: TlsOptions): Promise<Authorization> {
  try {
    return (await options.authorize?.(certificate, address)) ?? true
  } catch {
    return false
  }
}

class TlsSource implements Source {
  readonly transport = 'tls'
  readonly address: string
  readonly port: number
  readonly certificate: ClientCertificate
  client: KnownClient
  readonly #socket: TLSSocket

  constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on('error', () => socket.destroy())
    this.address = socket.remoteAddress ?? 'unknown'
    this.port = socket.remotePort ?? 0
    this.certificate = certificateOf(socket)
    const { commonName, subjectAltName, fingerprint256 } = this.certificate
    this.client = { name: commonName ?? subjectAltName ?? fingerprint256, secret: SharedSecret.radsec }
  }

  read(receive: Receive, packetTimeoutMs: number): void {
    const socket = this.#socket
    const splitter = new PacketSplitter()
    let deadline: NodeJS.Timeout | undefined
    socket.once('close', () => clearTimeout(deadline))
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const packet of splitter.push(chunk)) {
          // Each whole packet ends the wait of the one before.
          clearTimeout(deadline)
          deadline = undefined
          receive(packet, this)
        }
      } catch (error) {
        if (!(error instanceof RadiusError)) throw error
        this.offend()
        return
      }
      if (splitter.midPacket) deadline ??= setTimeout(() => socket.destroy(), packetTimeoutMs)
    })
  }

  send(octets: Buffer): void {
    if (this.#socket.writableLength > MAX_UNSENT_OCTETS) this.#socket.destroy()
    else if (this.#socket.writable) this.#socket.write(octets)
  }

  offend(): void {
    this.#socket.destroy()
  }

  pause(): void {
    this.#socket.pause()
  }

  /** Sends what was written, then closes; does not wait for the other side. */
  end(): void {
    this.#socket.destroySoon()
  }
}

function certificateOf(socket: TLSSocket): ClientCertificate {
  const { subject, subjectaltname, fingerprint256 } = socket.getPeerCertificate()
  const commonName = subject?.CN
  return {
    commonName: Array.isArray(commonName) ? commonName[0] : commonName,
    subjectAltName: subjectaltname,
    fingerprint256,
  }
}
