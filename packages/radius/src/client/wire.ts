// What carries a client's requests: a UDP socket or a TLS connection. 256 identifiers fit one (RFC 2865 section 3).

export interface Wire {
  send(octets: Buffer): void
  close(): void
}

interface WireEvents {
  /** A datagram, or a packet of the stream. */
  onPacket(octets: Buffer): void
  /** The wire is broken and will carry nothing any more. */
  onBroken(cause: Error | undefined): void
}

export type OpenWire = (events: WireEvents) => Promise<Wire>
