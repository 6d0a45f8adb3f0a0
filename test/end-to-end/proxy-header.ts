// A reader of the PROXY protocol's version 2 for tests, by its specification alone: nothing of the gateway's writer is here.

import assert from 'node:assert/strict'

export interface ProxyHeader {
  readonly source: string
  readonly sourcePort: number
  readonly destinationPort: number
  /** By their types. */
  readonly tlvs: ReadonlyMap<number, string>
  /** What comes after the header. */
  readonly rest: Buffer
}

/** Reads a header of TCP over IPv4. @throws {AssertionError} it is none */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  assert.equal(octets.toString('latin1', 0, 12), '\r\n\r\n\0\r\nQUIT\n')
  assert.equal(octets[12], 0x21, 'version 2, command PROXY')
  assert.equal(octets[13], 0x11, 'AF_INET, STREAM')
  const end = 16 + octets.readUInt16BE(14)
  const tlvs = new Map<number, string>()
  let at = 28
  while (at < end) {
    const size = octets.readUInt16BE(at + 1)
    tlvs.set(octets.readUInt8(at), octets.toString('utf8', at + 3, at + 3 + size))
    at += 3 + size
  }
  assert.equal(at, end, 'the TLVs fill the header')
  return {
    source: octets.subarray(16, 20).join('.'),
    sourcePort: octets.readUInt16BE(24),
    destinationPort: octets.readUInt16BE(26),
    tlvs,
    rest: octets.subarray(end),
  }
}
