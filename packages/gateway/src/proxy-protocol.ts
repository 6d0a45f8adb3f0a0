// The header of the PROXY protocol, version 2 (HAProxy's proxy-protocol.txt, section 2.2), for TCP over IPv4 and IPv6: a
// service learns from it which PNE comes, and from where. Version 1, other transports and other TLVs are left out.

import { isIPv4 } from 'node:net'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const VERSION_2_PROXY = 0x21
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21
const UNSPECIFIED = 0x00
const PP2_TYPE_AUTHORITY = 0x02
const PP2_TYPE_UNIQUE_ID = 0x05

/** One end of a TCP connection, as node:net tells it. */
export interface End {
  readonly host: string
  readonly port: number
}

export interface ProxiedConnection {
  /** The two ends of the PNE's connection; undefined when it has ended already. */
  readonly from: End | undefined
  readonly to: End | undefined
  /** The identity of the PNE, `base64url(2nd seed)@REALM`: PP2_TYPE_AUTHORITY. */
  readonly identity: string
  /** In base64url, as in the log: PP2_TYPE_UNIQUE_ID. */
  readonly sessionId: string
}

/** What the gateway writes first on its connection to the service. */
export function proxyHeader({ from, to, identity, sessionId }: ProxiedConnection): Buffer {
  const [family, addresses] = from && to ? addressesOf(from, to) : [UNSPECIFIED, Buffer.alloc(0)]
  const body = Buffer.concat([addresses, tlv(PP2_TYPE_AUTHORITY, identity), tlv(PP2_TYPE_UNIQUE_ID, sessionId)])
  return Buffer.concat([SIGNATURE, Buffer.of(VERSION_2_PROXY, family), uint16(body.length), body])
}

/** Both addresses, then both ports. A pair of IPv4 addresses in IPv6 clothes is a pair of IPv4 addresses. */
function addressesOf(from: End, to: End): [family: number, octets: Buffer] {
  const hosts = [plainIpv4(from.host), plainIpv4(to.host)]
  const areIpv4 = hosts.every((host) => host !== undefined)
  const octets = areIpv4 ? hosts.map(ipv4) : [ipv6(from.host), ipv6(to.host)]
  return [areIpv4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6, Buffer.concat([...octets, uint16(from.port), uint16(to.port)])]
}

function plainIpv4(host: string): string | undefined {
  const plain = host.replace(/^::ffff:(?=[\d.]+$)/i, '')
  return isIPv4(plain) ? plain : undefined
}

function ipv4(host = ''): Buffer {
  return Buffer.from(host.split('.').map(Number))
}

/** 16 octets. An IPv4 address, beside an IPv6 one, is mapped (RFC 4291 section 2.5.5.2). */
function ipv6(host: string): Buffer {
  const [address = ''] = host.split('%')
  const text = (isIPv4(address) ? `::ffff:${address}` : address).replace(/[\d.]+\.[\d.]+$/, twoGroups)
  const [before = [], after = []] = text.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return Buffer.concat([...before, ...zeros, ...after].map((group) => uint16(Number.parseInt(group, 16))))
}

/** `192.0.2.1`, as the end of an IPv6 address, is `c000:201`. */
function twoGroups(dotted: string): string {
  const octets = ipv4(dotted)
  return [0, 2].map((at) => octets.readUInt16BE(at).toString(16)).join(':')
}

function tlv(type: number, value: string): Buffer {
  const octets = Buffer.from(value)
  return Buffer.concat([Buffer.of(type), uint16(octets.length), octets])
}

function uint16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff)
}
