// The pairing URI. docs/protocol.md section 4.3.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatPairingUri, ProtocolError, parsePairingUri } from '../src/index.ts'

const ticket = {
  addresses: ['192.0.2.1:7411', '[2001:db8::1]:7411', 'hub.local:7411'],
  gateway: 'home-gw@example.org',
  ticketId: Buffer.alloc(16, 1),
  secret: Buffer.alloc(16, 2),
  expiresAtS: 1_800_000_000,
}
const uri = formatPairingUri(ticket)

test('a ticket goes into a URI and out again', () => {
  const address = fc.constantFrom('192.0.2.1', '[2001:db8::1]', 'localhost', 'hub.example.org')
  const host = fc.tuple(address, fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`)
  const arbitrary = fc.record(
    {
      addresses: fc.array(host, { minLength: 1, maxLength: 4 }),
      gateway: fc.constantFrom('a@b', 'home-gw@example.org'),
      ticketId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(Buffer.from),
      secret: fc.uint8Array({ minLength: 16, maxLength: 64 }).map(Buffer.from),
      expiresAtS: fc.integer({ min: 1, max: 2 ** 40 }),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(arbitrary, (ticket) => {
      assert.deepEqual(parsePairingUri(formatPairingUri(ticket)), ticket)
    }),
  )
})

test('the URI is the one of docs/protocol.md', () => {
  assert.equal(
    uri,
    'cpns:192.0.2.1:7411,[2001:db8::1]:7411,hub.local:7411?g=home-gw@example.org' +
      '&t=AQEBAQEBAQEBAQEBAQEBAQ&s=AgICAgICAgICAgICAgICAg&x=1800000000',
  )
})

test('a URI copied with white space around it still works, and the scheme in capitals', () => {
  assert.deepEqual(parsePairingUri(`  ${uri}\n`), ticket)
  assert.deepEqual(parsePairingUri(uri.replace('cpns:', 'CPNS:')), ticket)
})

const wrong: Record<string, string> = {
  'another scheme': uri.replace('cpns:', 'http:'),
  'no query': uri.replace(/\?.*/, ''),
  'no address': uri.replace(/cpns:[^?]*/, 'cpns:'),
  'five addresses': uri.replace(/cpns:[^?]*/, `cpns:${Array(5).fill('a:1').join(',')}`),
  'an address without a port': uri.replace('hub.local:7411', 'hub.local'),
  'an IPv6 address without brackets': uri.replace('[2001:db8::1]', '2001:db8::1'),
  'a port above 65535': uri.replace('hub.local:7411', 'hub.local:65536'),
  'a parameter twice': `${uri}&x=1800000000`,
  'a spelling of the ticket id that base64url does not have': uri.replace('BAQEBAQ&s', 'BAQEBAR&s'),
  'a port of six digits': uri.replace('hub.local:7411', 'hub.local:741100'),
  'no gateway': uri.replace(/g=[^&]*&/, ''),
  'a gateway that is no identity': uri.replace('home-gw@', 'HOME@'),
  'no ticket id': uri.replace(/t=[^&]*&/, ''),
  'a ticket id of 15 octets': uri.replace(/t=[^&]*/, `t=${Buffer.alloc(15).toString('base64url')}`),
  'a ticket id that is not base64url': uri.replace(/t=[^&]*/, `t=${'*'.repeat(22)}`),
  'no secret': uri.replace(/s=[^&]*&/, ''),
  'a secret of 15 octets': uri.replace(/s=[^&]*/, `s=${Buffer.alloc(15).toString('base64url')}`),
  'a secret of 65 octets': uri.replace(/s=[^&]*/, `s=${Buffer.alloc(65).toString('base64url')}`),
  'no expiry': uri.replace(/&x=.*/, ''),
  'an expiry of 0': uri.replace(/x=.*/, 'x=0'),
  'an expiry that is no number': uri.replace(/x=.*/, 'x=soon'),
  'an expiry before the epoch': uri.replace(/x=.*/, 'x=-1'),
  'a fragment': `${uri}#f`,
  'white space inside': uri.replace('&t', ' &t'),
  'more than 1,024 characters': `${uri}&y=${'a'.repeat(1024)}`,
}
for (const [what, text] of Object.entries(wrong)) {
  test(`a URI with ${what} is refused, and the message tells no secret`, () => {
    assert.notEqual(text, uri)
    assert.throws(
      () => parsePairingUri(text),
      (error) =>
        error instanceof ProtocolError &&
        error.code === 'BAD_PAIRING_URI' &&
        !error.message.includes('AgICAg') &&
        error.message.includes('opencpns gateway pair'),
    )
  })
}

test('any text at all is a ticket or BAD_PAIRING_URI', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1100 }),
    fc.string().map((tail) => `cpns:${tail}`),
    fc.string().map((tail) => `${uri}${tail}`),
  )
  fc.assert(
    fc.property(text, (text) => {
      try {
        parsePairingUri(text)
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
        assert.equal(error.code, 'BAD_PAIRING_URI')
      }
    }),
  )
})
