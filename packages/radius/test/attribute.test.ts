import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Attribute, Definition } from '../src/attribute.ts'
import { dictionary } from '../src/dictionary.ts'
import { decodePacket } from '../src/packet.ts'
import * as rfc2865 from '../src/rfc2865.ts'
import { NasIpAddress, ProxyState, SessionTimeout, State, UserName } from '../src/rfc2865.ts'
import { EapMessage, joinEapMessage, splitEapMessage } from '../src/rfc3579.ts'
import { captured } from './helpers.ts'

const malformed = { name: 'RadiusError', code: 'RADIUS_MALFORMED' }

function attribute(type: number, hex: string): Attribute {
  return { type, value: Buffer.from(hex, 'hex') }
}

test('each type number has one definition', () => {
  const types = Object.values(rfc2865).flatMap((value) => (value instanceof Definition ? [value.type] : []))
  assert.equal(new Set(types).size, types.length)
  assert.equal(dictionary.get(24), State)
  assert.equal(dictionary.get(79), EapMessage)
})

test('an integer of 3 or 5 octets is refused', () => {
  assert.throws(() => SessionTimeout.find([attribute(27, '000001')]), malformed)
  assert.throws(() => SessionTimeout.find([attribute(27, '0000000001')]), malformed)
})

test('an address of 3 octets is refused', () => {
  assert.throws(() => NasIpAddress.find([attribute(4, 'c0a801')]), malformed)
})

test('text that is empty or not UTF-8 is refused', () => {
  assert.throws(() => UserName.find([attribute(1, '')]), malformed)
  assert.throws(() => UserName.find([attribute(1, 'ff61')]), malformed)
})

test('an attribute that may occur once is refused when it occurs twice', () => {
  assert.throws(() => State.find([attribute(24, '01'), attribute(24, '01')]), malformed)
})

test('what cannot be a value is a RangeError', () => {
  assert.throws(() => UserName.of(''), RangeError)
  assert.throws(() => UserName.of('x'.repeat(254)), RangeError)
  assert.throws(() => SessionTimeout.of(2 ** 32), RangeError)
  assert.throws(() => SessionTimeout.of(-1), RangeError)
  assert.throws(() => NasIpAddress.of('192.0.2.256'), RangeError)
})

test('what is not there is undefined', () => {
  assert.equal(UserName.find([]), undefined)
  assert.deepEqual(ProxyState.findAll([attribute(1, '61')]), [])
})

test('property: text, integers, octets and addresses come back as they went in', () => {
  const utf8 = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
  fc.assert(fc.property(utf8, (value) => assert.equal(UserName.find([UserName.of(value)]), value)))
  fc.assert(
    fc.property(fc.nat(0xffffffff), (value) => assert.equal(SessionTimeout.read(SessionTimeout.of(value)), value)),
  )
  fc.assert(fc.property(fc.ipV4(), (value) => assert.equal(NasIpAddress.read(NasIpAddress.of(value)), value)))
})

test('an EAP packet of 253 octets is one attribute, of 254 are two', () => {
  assert.deepEqual(
    splitEapMessage(Buffer.alloc(253)).map(({ value }) => value.length),
    [253],
  )
  assert.deepEqual(
    splitEapMessage(Buffer.alloc(254)).map(({ value }) => value.length),
    [253, 1],
  )
})

test('property: an EAP packet is joined as it was split, among other attributes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 1500 }), (octets) => {
      const attributes = [UserName.of('a'), ...splitEapMessage(Buffer.from(octets)), State.of(Buffer.from('b'))]
      assert.deepEqual(joinEapMessage(attributes), Buffer.from(octets))
    }),
  )
})

test('EAP-Message attributes that are not consecutive are refused', () => {
  const [piece] = splitEapMessage(Buffer.alloc(10)) as [Attribute]
  assert.throws(() => joinEapMessage([piece, UserName.of('a'), piece]), malformed)
  assert.throws(() => joinEapMessage([piece, piece, UserName.of('a'), State.of(Buffer.from('b')), piece]), malformed)
})

test('EAP-Start is an empty EAP packet, and no EAP-Message is none', () => {
  assert.equal(joinEapMessage(splitEapMessage(Buffer.alloc(0)))?.length, 0)
  assert.equal(joinEapMessage([UserName.of('a')]), undefined)
})

test('EAP-Message of captured packets is a whole EAP packet', () => {
  for (const { octets } of captured.packets) {
    const eap = joinEapMessage(decodePacket(Buffer.from(octets, 'hex')).attributes)
    assert.equal(eap?.readUInt16BE(2), eap?.length)
  }
})
