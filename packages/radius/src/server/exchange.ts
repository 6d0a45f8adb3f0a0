// One request on its way through the pipeline, and what a handler gets to see of it.

import type { Packet } from '../packet.ts'
import type { Response } from '../response.ts'
import type { SharedSecret } from '../secret.ts'
import type { Remembered } from './duplicates.ts'

/** A RADIUS client (access server, access point, proxy) that this server knows. */
export interface KnownClient {
  /** For logs and for what the handler decides. */
  readonly name: string
  readonly secret: SharedSecret
}

/** What TLS proved about a client: taken from its certificate, which the CA signed. */
export interface ClientCertificate {
  readonly commonName: string | undefined
  /** As Node prints it: "DNS:ap1.example.org, IP Address:192.0.2.1". */
  readonly subjectAltName: string | undefined
  /** SHA-256 of the certificate, hexadecimal with colons. */
  readonly fingerprint256: string
}

/** Who sent a request, and how. */
export interface RequestContext {
  readonly client: KnownClient
  readonly transport: 'udp' | 'tls'
  /** Numeric; an IPv4 address is in dotted form also where the socket is of IPv6. */
  readonly address: string
  readonly port: number
  /** With TLS only. */
  readonly certificate: ClientCertificate | undefined
}

/** Where a datagram came from and where its answer goes; each transport has its own. */
export interface Source {
  readonly transport: 'udp' | 'tls'
  readonly address: string
  readonly port: number
  readonly certificate: ClientCertificate | undefined
  /** The client where the transport itself proved who it is. */
  readonly client: KnownClient | undefined
  send(octets: Buffer): void
  /** The packet broke the protocol: a transport with connections closes this one (RFC 6613 section 2.6.4). */
  offend(): void
}

/** The pipeline's steps fill it in, in their order. */
export interface Exchange {
  readonly datagram: Buffer
  readonly source: Source
  packet?: Packet
  client?: KnownClient
  remembered?: Remembered
  response?: Response
}
