// Prefixes of IP addresses (RFC 4632 section 3.1, RFC 4291 section 2.3), and finding the longest one that an address has.

import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { RegistryError } from './errors.ts'

/** An address as one number. */
interface Ip {
  /** 32 for IPv4, 128 for IPv6. */
  readonly bits: number
  readonly value: bigint
}

interface Prefix extends Ip {
  /** How many bits of `value` count, from the first on; the others are zero. */
  readonly length: number
}

/**
 * A prefix in the one form that we keep: `192.0.2.0/24`, and `192.0.2.1/32` for a single address.
 * @param text  ADDRESS or ADDRESS/PREFIX
 * @throws {RegistryError} ADDRESS_INVALID
 */
export function canonicalPrefix(text: string): string {
  const prefix = readPrefix(text)
  if (prefix === undefined) {
    throw new RegistryError(
      'ADDRESS_INVALID',
      `"${text}" is not an address or a prefix: write for example 192.0.2.1, 192.0.2.0/24 or 2001:db8::/64`,
    )
  }
  const canonical = formatPrefix({ ...prefix, value: masked(prefix, prefix.length) })
  if (masked(prefix, prefix.length) === prefix.value) return canonical
  throw new RegistryError('ADDRESS_INVALID', `"${text}" has bits beyond its prefix: write ${canonical}`)
}

/** Values by prefix. Looking one up costs a step for each length that occurs. */
export class PrefixTable<T> {
  readonly #byLength = new Map<string, { bits: number; length: number; values: Map<bigint, T> }>()
  #longestFirst: { bits: number; length: number; values: Map<bigint, T> }[] = []

  /** @param prefix  as {@link canonicalPrefix} gives it */
  set(prefix: string, value: T): void {
    const read = readPrefix(prefix)
    if (read === undefined) throw new TypeError(`${prefix} is not a prefix`)
    const { bits, length } = read
    const key = `${bits}/${length}`
    const group = this.#byLength.get(key) ?? { bits, length, values: new Map() }
    this.#byLength.set(key, group)
    group.values.set(read.value, value)
    this.#longestFirst = [...this.#byLength.values()].sort((a, b) => b.length - a.length)
  }

  /** What the longest prefix of this address has; undefined where none is of it. */
  find(address: string): T | undefined {
    const ip = readAddress(address)
    if (ip === undefined) return undefined
    for (const { bits, length, values } of this.#longestFirst) {
      const value = bits === ip.bits ? values.get(masked(ip, length)) : undefined
      if (value !== undefined) return value
    }
    return undefined
  }
}

function readPrefix(text: string): Prefix | undefined {
  const [, address = '', digits] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const ip = readAddress(address)
  const length = digits === undefined ? ip?.bits : Number(digits)
  return ip === undefined || length === undefined || length > ip.bits ? undefined : { ...ip, length }
}

/** An IPv6 address may name its zone (RFC 4007), as sockets do for link-local ones; that is ignored. */
function readAddress(text: string): Ip | undefined {
  if (isIPv4(text)) return { bits: 32, value: BigInt(readIPv4(text)) }
  if (!isIPv6(text)) return undefined
  const [address = ''] = text.split('%', 1)
  const dotted = /[^:]+\.[^:]+$/.exec(address)?.[0]
  const tail = dotted === undefined ? [] : [readIPv4(dotted) >>> 16, readIPv4(dotted) & 0xffff]
  const [before = '', after] = address.slice(0, address.length - (dotted?.length ?? 0)).split('::')
  const head = groups(before)
  const rest = [...groups(after ?? ''), ...tail]
  const all = after === undefined ? [...head, ...rest] : [...head, ...zeros(8 - head.length - rest.length), ...rest]
  return { bits: 128, value: all.reduce((value, group) => (value << 16n) | BigInt(group), 0n) }
}

function groups(text: string): number[] {
  return text.split(':').flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16)]))
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}

function readIPv4(text: string): number {
  return text.split('.').reduce((value, octet) => value * 256 + Number(octet), 0)
}

function masked({ bits, value }: Ip, length: number): bigint {
  const shift = BigInt(bits - length)
  return (value >> shift) << shift
}

function formatPrefix({ bits, value, length }: Prefix): string {
  const [size, groupBits, base, joint, family] =
    bits === 32 ? ([4, 8, 10, '.', 'ipv4'] as const) : ([8, 16, 16, ':', 'ipv6'] as const)
  const shifts = Array.from({ length: size }, (_, i) => BigInt(groupBits * (size - 1 - i)))
  const text = shifts.map((shift) => ((value >> shift) & ((1n << BigInt(groupBits)) - 1n)).toString(base)).join(joint)
  return `${new SocketAddress({ address: text, family }).address}/${length}`
}
