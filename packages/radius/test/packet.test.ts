import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Attribute } from '../src/attribute.ts'
import { RadiusError } from '../src/errors.ts'
import { Code, decodePacket, encodePacket } from '../src/packet.ts'
import {
  FramedCompression,
  FramedIpAddress,
  FramedMtu,
  FramedProtocol,
  FramedRouting,
  LoginIpHost,
  LoginService,
  NasIpAddress,
  NasPort,
  ServiceType,
  UserName,
} from '../src/rfc2865.ts'
import { MessageAuthenticator } from '../src/rfc3579.ts'
import { SharedSecret } from '../src/secret.ts'
import { PacketSplitter } from '../src/stream.ts'
import { accessRequest, captured } from './helpers.ts'

const malformed = { name: 'RadiusError', code: 'RADIUS_MALFORMED' }

function fromHex(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')
}

// RFC 2865 section 7; its shared secret is "xyzzy5461".
const rfc = {
  request71: fromHex(`01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d
    93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03`),
  accept71: fromHex(`02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2 06 06 00 00 00 01 0f 06 00 00 00 00
    0e 06 c0 a8 01 03`),
  request72: fromHex(`01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79 03 13 16 e9
    75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10 05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01`),
  accept72: fromHex(`02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4 06 06 00 00 00 02 07 06 00 00 00 01
    08 06 ff ff ff fe 0a 06 00 00 00 02 0d 06 00 00 00 01 0c 06 00 00 05 dc`),
}

function responseAuthenticatorHolds(response: Buffer, request: Buffer): boolean {
  const covered = Buffer.from(response)
  request.copy(covered, 4, 4, 20)
  return SharedSecret.of('xyzzy5461').md5After(covered).equals(response.subarray(4, 20))
}

test('RFC 2865 section 7.1, Access-Request: reads as the RFC says', () => {
  const { code, identifier, attributes, messageAuthenticatorAt } = decodePacket(rfc.request71)
  assert.equal(code, Code.AccessRequest)
  assert.equal(identifier, 0)
  assert.equal(UserName.find(attributes), 'nemo')
  assert.equal(NasIpAddress.find(attributes), '192.168.1.16')
  assert.equal(NasPort.find(attributes), 3)
  assert.equal(messageAuthenticatorAt, undefined)
})

test('RFC 2865 section 7.1, Access-Accept: reads as the RFC says', () => {
  const { code, attributes } = decodePacket(rfc.accept71)
  assert.equal(code, Code.AccessAccept)
  assert.equal(ServiceType.find(attributes), 1)
  assert.equal(LoginService.find(attributes), 0)
  assert.equal(LoginIpHost.find(attributes), '192.168.1.3')
})

test('RFC 2865 section 7.2, Access-Accept: reads as the RFC says', () => {
  const { attributes } = decodePacket(rfc.accept72)
  assert.equal(ServiceType.find(attributes), 2)
  assert.equal(FramedProtocol.find(attributes), 1)
  assert.equal(FramedIpAddress.find(attributes), '255.255.255.254')
  assert.equal(FramedRouting.find(attributes), 2)
  assert.equal(FramedCompression.find(attributes), 1)
  assert.equal(FramedMtu.find(attributes), 1500)
})

for (const [name, octets] of Object.entries(rfc)) {
  test(`RFC 2865 section 7, ${name}: encodes to the same octets`, () => {
    const packet = decodePacket(octets)
    assert.deepEqual(encodePacket(packet, packet.attributes), octets)
  })
}

test('RFC 2865 section 7.1: the Response Authenticator is that of the RFC', () => {
  assert.ok(responseAuthenticatorHolds(rfc.accept71, rfc.request71))
})

test('RFC 2865 section 7.2: the Response Authenticator is that of the RFC', () => {
  assert.ok(responseAuthenticatorHolds(rfc.accept72, rfc.request72))
})

test(`captured packets encode to the same octets (${captured.source})`, () => {
  assert.equal(captured.packets.length, 6)
  for (const { octets } of captured.packets) {
    const packet = decodePacket(Buffer.from(octets, 'hex'))
    assert.equal(encodePacket(packet, packet.attributes).toString('hex'), octets)
  }
})

test('octets after Length are padding', () => {
  const packet = decodePacket(Buffer.concat([rfc.request71, Buffer.alloc(100, 0xff)]))
  assert.deepEqual(packet.octets, rfc.request71)
  assert.equal(packet.attributes.length, 4)
})

test('a packet that is cut anywhere is refused', () => {
  for (let length = 0; length < rfc.request71.length; length++) {
    assert.throws(() => decodePacket(rfc.request71.subarray(0, length)), malformed, `cut to ${length}`)
  }
})

/** 7.1's request with octets set, and Length to the true length unless told otherwise. */
function edited(edits: Record<number, number>, length = rfc.request71.length): Buffer {
  const octets = Buffer.alloc(length)
  rfc.request71.copy(octets)
  octets.writeUInt16BE(length, 2)
  for (const [at, value] of Object.entries(edits)) octets[Number(at)] = value
  return octets
}

const refused: [string, Buffer][] = [
  ['Length 19', edited({ 2: 0, 3: 19 })],
  ['Length 0', edited({ 2: 0, 3: 0 })],
  ['Length one beyond the datagram', edited({ 3: 57 })],
  ['Length 4097 with as many octets', edited({}, 4097)],
  ['Length 65535 with as many octets', edited({}, 65535)],
  ['an attribute of length 0', edited({ 21: 0 })],
  ['an attribute of length 1', edited({ 21: 1 })],
  ['an attribute one octet beyond the packet', edited({ 51: 7 })],
  ['an attribute header cut in half', edited({}, 57)],
]
for (const [what, octets] of refused) {
  test(`refused: ${what}`, () => assert.throws(() => decodePacket(octets), malformed))
}

function withAttributes(attributes: Attribute[]): Buffer {
  return encodePacket({ code: 1, identifier: 0, authenticator: Buffer.alloc(16) }, attributes)
}

test('refused: Message-Authenticator twice', () => {
  const once = MessageAuthenticator.of(Buffer.alloc(16))
  assert.throws(() => decodePacket(withAttributes([once, once])), malformed)
})

test('refused: Message-Authenticator of 15 or 17 octets', () => {
  for (const octets of [15, 17]) {
    assert.throws(() => decodePacket(withAttributes([{ type: 80, value: Buffer.alloc(octets) }])), malformed)
  }
})

test('4096 octets are allowed, and 4097 are not encoded', () => {
  const filler = { type: 33, value: Buffer.alloc(253) }
  const fillers = Array.from({ length: 15 }, () => filler)
  const rest = { type: 33, value: Buffer.alloc(4096 - 20 - 15 * 255 - 2) }
  assert.equal(decodePacket(withAttributes([...fillers, rest])).octets.length, 4096)
  const above = { type: 33, value: Buffer.alloc(rest.value.length + 1) }
  assert.throws(() => withAttributes([...fillers, above]), RangeError)
})

test('what does not fit a field is a RangeError, not a wrong packet', () => {
  assert.throws(() => withAttributes([{ type: 256, value: Buffer.alloc(1) }]), RangeError)
  assert.throws(() => withAttributes([{ type: 1, value: Buffer.alloc(254) }]), RangeError)
  const authenticator = Buffer.alloc(16)
  assert.throws(() => encodePacket({ code: 256, identifier: 0, authenticator }, []), RangeError)
  assert.throws(() => encodePacket({ code: 1, identifier: 256, authenticator }, []), RangeError)
  assert.throws(() => encodePacket({ code: 1, identifier: 0, authenticator: Buffer.alloc(15) }, []), RangeError)
})

const plain = { noNullPrototype: true } as const
const anyAttribute = fc.record(
  {
    type: fc.integer({ min: 0, max: 255 }).filter((type) => type !== 80),
    value: fc.uint8Array({ maxLength: 253 }).map((octets) => Buffer.from(octets)),
  },
  plain,
)
const anyPacket = fc.record(
  {
    code: fc.nat(255),
    identifier: fc.nat(255),
    authenticator: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((octets) => Buffer.from(octets)),
    attributes: fc.array(anyAttribute, { maxLength: 12 }),
  },
  plain,
)

test('property: decoding gives what was encoded', () => {
  fc.assert(
    fc.property(anyPacket, ({ attributes, ...header }) => {
      const { octets: _, messageAuthenticatorAt: __, ...decoded } = decodePacket(encodePacket(header, attributes))
      assert.deepEqual(decoded, { ...header, attributes })
    }),
  )
})

test('property: any octets give a packet or RADIUS_MALFORMED', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (random, fixLength) => {
      const octets = Buffer.from(random)
      if (fixLength && octets.length >= 4) octets.writeUInt16BE(octets.length, 2)
      try {
        decodePacket(octets)
      } catch (error) {
        assert.ok(error instanceof RadiusError && error.code === 'RADIUS_MALFORMED')
      }
    }),
  )
})

test('property: a stream gives its packets however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(anyPacket, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 300 })),
      (all, cuts) => {
        const packets = all.map(({ attributes, ...header }) => encodePacket(header, attributes))
        const stream = Buffer.concat(packets)
        const splitter = new PacketSplitter()
        const received: Buffer[] = []
        let at = 0
        for (const size of [...cuts, stream.length]) {
          received.push(...splitter.push(stream.subarray(at, at + size)))
          at += size
        }
        assert.deepEqual(received, packets)
        assert.equal(splitter.midPacket, false)
      },
    ),
  )
})

test('a stream whose Length is outside 20 to 4096 is lost', () => {
  for (const length of [0, 19, 4097, 65535]) {
    const octets = Buffer.alloc(4)
    octets.writeUInt16BE(length, 2)
    assert.throws(() => [...new PacketSplitter().push(octets)], malformed)
  }
})

test('a stream that ends within a packet is known to be there', () => {
  const splitter = new PacketSplitter()
  assert.deepEqual([...splitter.push(accessRequest().octets.subarray(0, 30))], [])
  assert.equal(splitter.midPacket, true)
})
