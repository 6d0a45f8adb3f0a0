// The codec: every message goes there and back, and whatever else arrives is refused with a ProtocolError, never with
// another exception. docs/protocol.md section 3.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode as decodeCbor, encode as encodeCbor } from 'cborg'
import fc from 'fast-check'
import { readMap } from '../src/cbor.ts'
import { AuthenticationRequest, AuthenticationResponse, decode, Ping, ProtocolError } from '../src/index.ts'
import type { Message } from '../src/schema.ts'
import { encode, messages, type Values, valuesOf } from './arbitrary.ts'

const all = messages as [Message, ...Message[]]

function refuses(body: Uint8Array, code: ProtocolError['code'] = 'MALFORMED_MESSAGE'): void {
  assert.throws(
    () => decode(body, ...all),
    (error) => error instanceof ProtocolError && error.code === code,
  )
}

/** Decodes, or refuses with a ProtocolError; anything else fails the test. */
function decodeOrRefuse(body: Uint8Array): unknown {
  try {
    return decode(body, ...all)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** A body made by hand: its octets need not be what the codec would write. */
function body(...entries: [unknown, unknown][]): Uint8Array {
  return encodeCbor(new Map(entries))
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

for (const message of messages) {
  test(`${message.name}: decode gives back what encode was given`, () => {
    fc.assert(
      fc.property(valuesOf(message), (values) => {
        const decoded: Values = decode(encode(message, values), ...all)
        assert.deepEqual(plain(decoded), plain({ type: message.name, ...values }))
      }),
      { numRuns: 50 },
    )
  })

  test(`${message.name}: cut at any length, or with octets after it, it is refused`, () => {
    fc.assert(
      fc.property(valuesOf(message), fc.uint8Array({ minLength: 1, maxLength: 8 }), (values, more) => {
        const good = encode(message, values)
        refuses(Buffer.concat([good, more]))
        const step = Math.max(1, Math.floor(good.length / 200))
        for (let length = 0; length < good.length; length += step) refuses(good.subarray(0, length))
      }),
      { numRuns: 5 },
    )
  })

  test(`${message.name}: with any octet changed it is refused, or it is exactly the encoding of something else`, () => {
    fc.assert(
      fc.property(valuesOf(message), fc.integer({ min: 1, max: 255 }), (values, change) => {
        const good = encode(message, values)
        const step = Math.max(1, Math.floor(good.length / 200))
        for (let at = 0; at < good.length; at += step) {
          const changed = Uint8Array.from(good)
          changed[at] = (changed[at] ?? 0) ^ change
          const decoded = decodeOrRefuse(changed) as (Values & { type: string }) | undefined
          if (!decoded) continue
          const { type, ...fields } = decoded
          const of = messages.find((one) => one.name === type) as Message
          assert.deepEqual(Buffer.from(encode(of, fields)), Buffer.from(changed))
        }
      }),
      { numRuns: 10 },
    )
  })

  test(`${message.name}: an unknown key, a missing field and a field of another type are refused`, () => {
    const [values] = fc.sample(valuesOf(message), { numRuns: 1, seed: 1 })
    const entries = [
      [0, message.number],
      ...Object.entries(message.fields).map(([name, field]) => [field.key, values?.[name]]),
    ].filter(([, value]) => value !== undefined) as [unknown, unknown][]
    refuses(body(...entries, [99, 0]))
    for (const field of Object.values(message.fields)) {
      const others = entries.filter(([key]) => key !== field.key)
      if (!field.optional) refuses(body(...others))
      for (const wrong of [null, undefined, -1, 1.5, 2n ** 60n, {}, 'a\u0000b', new Uint8Array(70_000), [null], '']) {
        refuses(body(...others, [field.key, wrong]))
      }
    }
  })
}

test('octets of chance are refused with a ProtocolError, never with another exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      decodeOrRefuse(octets)
      decodeOrRefuse(Buffer.concat([hex('a2 00 01'), octets]))
    }),
    { numRuns: 2000 },
  )
})

test('property: a map is read if, and only if, it is the deterministic encoding of itself and of the kinds we use', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom('\ufeffa', '\ufffd'))
  const odd = fc.constantFrom(null, undefined, -1, 1.5, 2n ** 60n, new Map([[0, 1]]))
  const { item } = fc.letrec((tie) => ({
    item: fc.oneof(
      { weight: 6, arbitrary: fc.oneof(fc.nat(), fc.nat(30), text, fc.boolean(), fc.uint8Array({ maxLength: 300 })) },
      { weight: 1, arbitrary: fc.oneof(odd, fc.array(tie('item'), { maxLength: 4 })) },
    ),
  }))
  const key = fc.oneof({ weight: 30, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.constantFrom('a', -1, 0.5) })
  const change = fc.option(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 255 })), { freq: 3 })
  let accepted = 0
  fc.assert(
    fc.property(fc.array(fc.tuple(key, item), { maxLength: 6 }), change, (entries, changed) => {
      const octets = Uint8Array.from(encodeCbor(new Map(entries)))
      const at = (changed?.[0] ?? 0) % octets.length
      octets[at] = (octets[at] ?? 0) ^ (changed?.[1] ?? 0)
      const map = isDeterministic(octets)
      if (map === undefined) return refusesMap(octets)
      accepted++
      assert.deepEqual([...readMap(octets)], [...map])
    }),
    { numRuns: 600 },
  )
  assert.ok(accepted > 60)
})

function refusesMap(octets: Uint8Array): void {
  assert.throws(
    () => readMap(octets),
    (error) => error instanceof ProtocolError && error.code === 'MALFORMED_MESSAGE',
  )
}

/** The map, by the simplest check: what was decoded encodes to the very octets that came. */
function isDeterministic(octets: Uint8Array): Map<unknown, unknown> | undefined {
  const options = { useMaps: true, strict: true, rejectDuplicateMapKeys: true, allowIndefinite: false }
  try {
    const value = decodeCbor(octets, options)
    if (!(value instanceof Map) || Buffer.compare(encodeCbor(value), octets) !== 0) return undefined
    return [...value].every(([key, one]) => isUint(key) && isOfOurKinds(one, 0)) ? value : undefined
  } catch {
    return undefined
  }
}

function isUint(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isOfOurKinds(value: unknown, depth: number): boolean {
  if (Array.isArray(value)) return depth < 4 && value.every((one) => isOfOurKinds(one, depth + 1))
  return isUint(value) || typeof value === 'string' || typeof value === 'boolean' || value instanceof Uint8Array
}

test('forms that RFC 8949 section 4.2.1 does not allow are refused', () => {
  const forms = {
    'the number in 2 octets where 1 will do': 'a1 00 18 06',
    'the number in 9 octets': 'a1 00 1b 0000000000000006',
    'a key in 2 octets': 'a1 18 00 06',
    'the map length in 2 octets': 'b8 01 00 06',
    'a map of indefinite length': 'bf 00 06 ff',
    'the number as a half float': 'a1 00 f9 4600',
    'the number as a double': 'a1 00 fb 4018000000000000',
    'a float key': 'a1 f9 0000 06',
    'a duplicate key': 'a2 00 06 00 06',
    'keys in descending order': 'a2 01 00 00 08',
    'a tag around the map': 'd8 2a a1 00 06',
    'a tag around the number': 'a1 00 c1 06',
    'the number as a bignum': 'a1 00 c2 41 06',
    'an array': '82 00 06',
    'an integer': '06',
    nothing: '',
    'a simple value': 'f6',
    'a text as key': 'a1 61 30 06',
    'octets of indefinite length': 'a2 00 03 01 5f 44 01020304 ff',
    'text that is not UTF-8': `a4 00 01 01 81 01 02 5820 ${'00'.repeat(32)} 03 61 ff`,
    'a text whose length is 64 bits': 'a2 00 08 01 7b ffffffffffffffff',
    'an array whose length is 64 bits': 'a2 00 01 01 9b ffffffffffffffff',
    'a map whose length is 32 bits': 'ba ffffffff 00 06',
  }
  for (const octets of Object.values(forms)) {
    assert.ok(!decodeOrRefuse(hex(octets)), octets)
  }
  assert.deepEqual(decode(hex('a1 00 06'), Ping), { type: 'Ping' })
})

test('4,000 levels of nesting, and as many as a frame can hold, are refused', () => {
  for (const [open, levels] of [
    [0x81, 4000],
    [0xa1, 4000],
    [0x81, 65_536],
    [0xa1, 65_536],
    [0xc1, 65_536],
  ] as const) {
    assert.equal(decodeOrRefuse(Buffer.alloc(levels, open)), undefined)
    assert.equal(decodeOrRefuse(Buffer.concat([hex('a2 00 01 01'), Buffer.alloc(levels, open), hex('01')])), undefined)
  }
})

test('a well-formed message that may not come now is UNEXPECTED_MESSAGE and names both', () => {
  assert.throws(() => decode(hex('a1 00 06'), AuthenticationRequest, AuthenticationResponse), {
    name: 'ProtocolError',
    code: 'UNEXPECTED_MESSAGE',
    message: 'expected AuthenticationRequest or AuthenticationResponse, got message 6',
  })
  refuses(body([0, 255]), 'UNEXPECTED_MESSAGE')
  refuses(body([0, 'Ping']), 'UNEXPECTED_MESSAGE')
  refuses(body(), 'UNEXPECTED_MESSAGE')
})

test('encode refuses what decode would refuse: a bug of the caller, told with the field', () => {
  const good = { versions: [1], secondSeed: new Uint8Array(32), realm: 'example.org' }
  assert.throws(() => encode(AuthenticationRequest, { ...good, secondSeed: new Uint8Array(31) }), {
    name: 'TypeError',
    message: 'AuthenticationRequest: secondSeed must be bytes .size 32',
  })
  for (const wrong of [{ versions: [] }, { versions: [0] }, { versions: [256] }, { realm: '' }, { realm: undefined }]) {
    assert.throws(() => encode(AuthenticationRequest, { ...good, ...wrong }), TypeError)
  }
})

test('no two messages share a number or a name', () => {
  assert.equal(new Set(messages.map((one) => one.number)).size, messages.length)
  assert.equal(new Set(messages.map((one) => one.name)).size, messages.length)
  assert.equal(messages.length, 44)
})

/** Octets as hex, so that a Buffer equals a Uint8Array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]))
}
