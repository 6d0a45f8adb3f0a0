import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  Code,
  decodePacket,
  type EapPacket,
  encodePacket,
  failure,
  identityRequest,
  MAX_PACKET_OCTETS,
  nak,
  nextIdentifier,
  success,
} from '../src/index.ts'
import { eapError } from './support.ts'

const identifier = fc.integer({ min: 0, max: 255 })
const packets: fc.Arbitrary<EapPacket> = fc.oneof(
  fc.record({ code: fc.constantFrom(Code.Success, Code.Failure), identifier }),
  fc.record({
    code: fc.constantFrom(Code.Request, Code.Response),
    identifier,
    type: fc.integer({ min: 1, max: 255 }),
    data: fc.uint8Array({ maxLength: MAX_PACKET_OCTETS - 5 }),
  }),
)

test('every packet comes back as it went, RFC 3748 section 4', () => {
  fc.assert(
    fc.property(packets, (packet) => {
      const decoded = decodePacket(encodePacket(packet))
      assert.deepEqual('data' in decoded ? { ...decoded, data: Uint8Array.from(decoded.data) } : decoded, { ...packet })
    }),
  )
})

test('what decodes, encodes to the same octets', () => {
  const nearly = fc.uint8Array({ minLength: 4, maxLength: 40 }).map((octets) => {
    octets.set([1 + ((octets[0] ?? 0) % 4), octets[1] ?? 0, 0, octets.length])
    return octets
  })
  fc.assert(
    fc.property(nearly.filter(decodes), (octets) => {
      assert.deepEqual(Uint8Array.from(encodePacket(decodePacket(octets))), octets)
    }),
  )
})

function decodes(octets: Uint8Array): boolean {
  try {
    return decodePacket(octets) !== undefined
  } catch {
    return false
  }
}

test('the packets of RFC 3748 that every conversation needs', () => {
  assert.equal(identityRequest(9).toString('hex'), '0109000501')
  assert.equal(nak(9, [51]).toString('hex'), '020900060333')
  assert.equal(success(9).toString('hex'), '03090004')
  assert.equal(failure(9).toString('hex'), '04090004')
  assert.deepEqual([nextIdentifier(0), nextIdentifier(255)], [1, 0])
})

const REFUSED: readonly (readonly [why: string, hex: string])[] = [
  ['no octet', ''],
  ['half a header', '010900'],
  ['Length below a header', '01090003'],
  ['Length beyond the octets', '0109000601'],
  ['Length before the end: no padding on any of our links', '010900050100'],
  ['Request without a type', '01090004'],
  ['Response without a type', '02090004'],
  ['type 0', '0109000500'],
  ['Success with data', '0309000501'],
  ['Failure with data', '0409000501'],
  ['code 0', '0009000501'],
  ['code 5, Initiate of RFC 5296', '0509000501'],
]

for (const [why, hex] of REFUSED) {
  test(`refused: ${why}`, () => {
    assert.throws(() => decodePacket(Buffer.from(hex, 'hex')), eapError('EAP_MALFORMED'))
  })
}

test('4096 octets are read, 4097 are not', () => {
  const largest = Buffer.alloc(MAX_PACKET_OCTETS)
  largest.set([1, 9, 0x10, 0x00, 1])
  assert.equal(decodePacket(largest).identifier, 9)
  const tooLarge = Buffer.concat([largest, Buffer.alloc(1)])
  tooLarge.writeUInt16BE(tooLarge.length, 2)
  assert.throws(() => decodePacket(tooLarge), eapError('EAP_MALFORMED'))
})

test('what may not be sent is the caller’s bug: RangeError', () => {
  const request = { code: Code.Request, identifier: 1, type: 1, data: new Uint8Array(0) }
  assert.throws(() => encodePacket({ ...request, type: 0 }), RangeError)
  assert.throws(() => encodePacket({ ...request, type: 256 }), RangeError)
  assert.throws(() => encodePacket({ ...request, identifier: 256 }), RangeError)
  assert.throws(() => encodePacket({ ...request, data: new Uint8Array(MAX_PACKET_OCTETS - 4) }), RangeError)
})
