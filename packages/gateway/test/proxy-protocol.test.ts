import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { proxyHeader } from '../src/proxy-protocol.ts'

const identity = `${'A'.repeat(43)}@example.org`
const sessionId = 'BBBBBBBBBBBBBBBBBBBBBB'
const tlvs = Buffer.concat([
  Buffer.from([0x02, 0, identity.length]),
  Buffer.from(identity),
  Buffer.from([0x05, 0, sessionId.length]),
  Buffer.from(sessionId),
])
const header = (from: { host: string; port: number } | undefined, to: { host: string; port: number } | undefined) =>
  proxyHeader({ from, to, identity, sessionId }).toString('hex')
const before = (family: string, addresses: string) => {
  const size = (addresses.length / 2 + tlvs.length).toString(16).padStart(4, '0')
  return `0d0a0d0a000d0a515549540a21${family}${size}${addresses}${tlvs.toString('hex')}`
}

// proxy-protocol.txt, section 2.2: signature, version and command, family and transport, length, addresses, ports, TLVs.
test('TCP over IPv4', () => {
  const actual = header({ host: '192.0.2.1', port: 50_000 }, { host: '198.51.100.7', port: 7411 })
  assert.equal(actual, before('11', 'c0000201c6336407c3501cf3'))
})

test('TCP over IPv6', () => {
  const actual = header({ host: '2001:db8::1', port: 1 }, { host: '::1', port: 65_535 })
  const addresses = `20010db8${'0'.repeat(23)}1${'0'.repeat(31)}1`
  assert.equal(actual, before('21', `${addresses}0001ffff`))
})

test('IPv4 addresses in IPv6 clothes, as a dual-stack socket tells them, are IPv4', () => {
  const actual = header({ host: '::ffff:192.0.2.1', port: 50_000 }, { host: '::ffff:198.51.100.7', port: 7411 })
  assert.equal(actual, before('11', 'c0000201c6336407c3501cf3'))
})

test('a zone is no part of an address, and a mixed pair is IPv6', () => {
  const actual = header({ host: 'fe80::1%eth0', port: 1 }, { host: '192.0.2.1', port: 2 })
  assert.equal(actual, before('21', `fe80${'0'.repeat(27)}1${'0'.repeat(20)}ffffc000020100010002`))
})

test('a connection that is gone has no addresses', () => {
  assert.equal(header(undefined, { host: '192.0.2.1', port: 2 }), before('00', ''))
})

const port = fc.integer({ min: 1, max: 65_535 })
const end = (host: fc.Arbitrary<string>) => fc.record({ host, port })
const dotted = (octets: Buffer) => octets.join('.')

test('every pair of IPv4 addresses comes out again', () => {
  fc.assert(
    fc.property(end(fc.ipV4()), end(fc.ipV4()), (from, to) => {
      const octets = proxyHeader({ from, to, identity, sessionId })
      assert.equal(octets.readUInt16BE(14), octets.length - 16)
      assert.deepEqual([dotted(octets.subarray(16, 20)), octets.readUInt16BE(24)], [from.host, from.port])
      assert.deepEqual([dotted(octets.subarray(20, 24)), octets.readUInt16BE(26)], [to.host, to.port])
    }),
  )
})

/** By the URL parser, which knows IPv6 addresses by itself. */
const canonical = (host: string) => new URL(`http://[${host}]`).hostname
const grouped = (octets: Buffer) => canonical((octets.toString('hex').match(/.{4}/g) ?? []).join(':'))

test('every pair of IPv6 addresses comes out again, however it is written', () => {
  const plain = fc.ipV6().filter((host) => !/^\[::ffff:/.test(canonical(host)))
  fc.assert(
    fc.property(end(plain), end(plain), (from, to) => {
      const octets = proxyHeader({ from, to, identity, sessionId })
      assert.equal(octets.readUInt16BE(14), octets.length - 16)
      assert.deepEqual([grouped(octets.subarray(16, 32)), octets.readUInt16BE(48)], [canonical(from.host), from.port])
      assert.deepEqual([grouped(octets.subarray(32, 48)), octets.readUInt16BE(50)], [canonical(to.host), to.port])
    }),
  )
})
