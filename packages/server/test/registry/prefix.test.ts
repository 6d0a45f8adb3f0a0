// Prefixes of addresses: the form in which they are kept, what is refused, and the longest match.
import assert from 'node:assert/strict'
import { isIPv4, SocketAddress } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalPrefix, PrefixTable } from '../../src/registry/prefix.ts'

test('an address is a prefix of full length, and each prefix has one form', () => {
  const forms = {
    '192.0.2.1': '192.0.2.1/32',
    '192.0.2.0/24': '192.0.2.0/24',
    '0.0.0.0/0': '0.0.0.0/0',
    '255.255.255.255': '255.255.255.255/32',
    '2001:DB8:0:0::1': '2001:db8::1/128',
    '2001:db8::/32': '2001:db8::/32',
    '::': '::/128',
    '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0/128',
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221/128',
  }
  for (const [text, form] of Object.entries(forms)) assert.equal(canonicalPrefix(text), form)
})

test('what is no prefix is refused, with an example of one', () => {
  const bad = [
    '',
    'ap',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/024',
    '192.0.2.0/',
    '::/129',
  ]
  for (const text of [...bad, '/24', 'fe80::1%eth0', '192.0.2.1/24/24', ' 192.0.2.1', '[::1]', '192.0.2.1:1812'])
    assert.throws(() => canonicalPrefix(text), { code: 'ADDRESS_INVALID', message: /write for example/ }, text)
})

test('bits beyond the prefix are refused, for they may be a slip, and what may have been meant is told', () => {
  assert.throws(() => canonicalPrefix('192.0.2.7/24'), { code: 'ADDRESS_INVALID', message: /write 192\.0\.2\.0\/24$/ })
  assert.throws(() => canonicalPrefix('2001:db8::1/64'), { code: 'ADDRESS_INVALID', message: /write 2001:db8::\/64$/ })
})

test('the longest prefix wins, whatever the order, and the families do not mix', () => {
  const prefixes = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32', '2001:db8::/32', '2001:db8:1::/48']
  for (const order of [prefixes, prefixes.toReversed()]) {
    const table = new PrefixTable<string>()
    for (const prefix of order) table.set(prefix, prefix)
    const found = {
      '10.1.2.3': '10.1.2.3/32',
      '10.1.2.4': '10.1.0.0/16',
      '10.2.0.1': '10.0.0.0/8',
      '11.0.0.1': '0.0.0.0/0',
      '2001:db8:1::7': '2001:db8:1::/48',
      '2001:db8:2::7': '2001:db8::/32',
    }
    for (const [address, prefix] of Object.entries(found)) assert.equal(table.find(address), prefix)
    for (const address of ['2001:db9::', '::', 'ap', '']) assert.equal(table.find(address), undefined)
  }
})

test('a link-local address is found without its zone', () => {
  const table = new PrefixTable<string>()
  table.set('fe80::/10', 'link')
  assert.equal(table.find('fe80::1%eth0'), 'link')
})

test('property: an address has the prefixes that begin as it does, and no other', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  fc.assert(
    fc.property(address, fc.nat(128), fc.nat(127), (text, cut, bit) => {
      const bits = isIPv4(text) ? 32 : 128
      const length = cut % (bits + 1)
      const table = new PrefixTable<string>()
      const prefix = prefixOf(text, length)
      table.set(prefix, 'here')
      assert.equal(table.find(text), 'here')
      const flipped = bit % bits
      assert.equal(table.find(flip(text, flipped)), flipped < length ? undefined : 'here')
    }),
  )
})

/** What the refusal of bits beyond the prefix says, if there are any. */
function prefixOf(text: string, length: number): string {
  try {
    return canonicalPrefix(`${text}/${length}`)
  } catch (error) {
    return (error as Error).message.split('write ')[1] ?? ''
  }
}

/** The address with one bit changed, counted from the first. */
function flip(text: string, bit: number): string {
  const octets = octetsOf(text)
  octets[bit >> 3] = (octets[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
  if (octets.length === 4) return octets.join('.')
  return Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(2 * i).toString(16)).join(':')
}

function octetsOf(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = plain.split('::').map((part) => part.split(':').filter(Boolean))
  const missing = 8 - head.length - (tail?.length ?? 0)
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...(tail ?? [])]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
