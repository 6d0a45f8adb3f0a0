// The codec of each message: round trips, every cut, every bound.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CIPHERSUITES, ciphersuite } from '../src/gpsk/ciphersuite.ts'
import { decodePlain, decodeProved, encodeMessage, gpsk1, gpsk2, gpsk3, gpsk4 } from '../src/gpsk/messages.ts'
import {
  awaitGpsk4,
  Code,
  decodeAwaitedGpsk4,
  EapError,
  encodeAwaitedGpsk4,
  GpskKeys,
  parseFail,
  parseGpsk1,
  parseGpsk2,
  parseProtectedFail,
  verifyGpsk4,
  writeFail,
  writeGpsk1,
  writeProtectedFail,
} from '../src/index.ts'
import { cut, eapError, PSK, vectors } from './support.ts'

const identifier = fc.integer({ min: 0, max: 255 })
const rand = fc.uint8Array({ minLength: 32, maxLength: 32 })
const id = fc.uint8Array({ minLength: 1, maxLength: 253 })
const csuiteSel = fc.constantFrom(...CIPHERSUITES)
const csuiteList = fc.array(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { minLength: 1, maxLength: 16 })
const pdPayload = fc.uint8Array({ maxLength: 1024 })
const failureCode = fc.integer({ min: 0, max: 2 ** 32 - 1 })

const RAND = new Uint8Array(32)
const ID = Uint8Array.of(1)
const GPSK1 = { identifier: 1, idServer: ID, randServer: RAND, csuiteList: [2, 1] }
const keysFor = (suite: number) =>
  new GpskKeys(PSK, { randPeer: RAND, idPeer: ID, randServer: RAND, idServer: ID, csuiteSel: suite })

/** Plain arrays of octets in place of views, for deepEqual. */
function plain<T extends object>(message: T): Record<string, unknown> {
  const entries = Object.entries(message).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Uint8Array.from(value) : value,
  ])
  return Object.fromEntries(entries.filter(([name]) => name !== 'covered' && name !== 'mac'))
}

test('GPSK-1 comes back as it went', () => {
  fc.assert(
    fc.property(fc.record({ identifier, idServer: id, randServer: rand, csuiteList }), (message) => {
      assert.deepEqual(plain(parseGpsk1(writeGpsk1(message))), { ...message })
    }),
  )
})

test('GPSK-2 comes back as it went', () => {
  const messages = fc.record({
    identifier,
    idPeer: id,
    idServer: id,
    randPeer: rand,
    randServer: rand,
    csuiteList,
    csuiteSel,
    pdPayload,
  })
  fc.assert(
    fc.property(messages, (message) => {
      const packet = encodeMessage(gpsk2, Code.Response, message, keysFor(message.csuiteSel))
      assert.deepEqual(plain(parseGpsk2(packet)), { ...message })
    }),
  )
})

test('GPSK-3 comes back as it went', () => {
  const messages = fc.record({ identifier, randPeer: rand, randServer: rand, idServer: id, csuiteSel, pdPayload })
  fc.assert(
    fc.property(messages, (message) => {
      const packet = encodeMessage(gpsk3, Code.Request, message, keysFor(message.csuiteSel))
      const decoded = decodeProved(gpsk3, Code.Request, packet, () => ciphersuite(message.csuiteSel))
      assert.deepEqual(plain(decoded), { ...message })
    }),
  )
})

test('GPSK-4 comes back as it went', () => {
  fc.assert(
    fc.property(fc.record({ identifier, pdPayload }), csuiteSel, (message, suite) => {
      const packet = encodeMessage(gpsk4, Code.Response, message, keysFor(suite))
      assert.deepEqual(plain(decodeProved(gpsk4, Code.Response, packet, () => ciphersuite(suite))), { ...message })
    }),
  )
})

test('GPSK-Fail and GPSK-Protected-Fail come back as they went, with Failure-Codes that nobody knows', () => {
  const code = fc.constantFrom(Code.Request, Code.Response)
  fc.assert(
    fc.property(code, fc.record({ identifier, failureCode }), csuiteSel, (way, message, suite) => {
      assert.deepEqual(parseFail(way, writeFail(way, message)), { ...message })
      const keys = keysFor(suite)
      assert.deepEqual(parseProtectedFail(way, writeProtectedFail(way, message, keys), keys), { ...message })
    }),
  )
})

test('GPSK-Fail is six octets of header and Failure-Code, RFC 5433 section 9.2', () => {
  assert.equal(writeFail(Code.Request, { identifier: 9, failureCode: 2 }).toString('hex'), '0109000a330500000002')
})

test('GPSK-Protected-Fail under another key, or for another way, is refused', () => {
  const keys = keysFor(2)
  const packet = writeProtectedFail(Code.Request, { identifier: 9, failureCode: 3 }, keys)
  const others = new GpskKeys(Buffer.alloc(32), {
    randPeer: RAND,
    idPeer: ID,
    randServer: RAND,
    idServer: ID,
    csuiteSel: 2,
  })
  assert.throws(() => parseProtectedFail(Code.Request, packet, others), eapError('EAP_BAD_MAC'))
  assert.throws(() => parseProtectedFail(Code.Response, packet, keys), eapError('EAP_UNEXPECTED'))
  assert.throws(() => parseFail(Code.Request, packet), eapError('EAP_UNEXPECTED'))
})

for (const vector of vectors) {
  const suite = ciphersuite(vector.ciphersuite)
  const decoders: readonly (readonly [name: string, decode: (packet: Uint8Array) => unknown])[] = [
    ['gpsk1', parseGpsk1],
    ['gpsk2', parseGpsk2],
    ['gpsk3', (packet) => decodeProved(gpsk3, Code.Request, packet, () => suite)],
    ['gpsk4', (packet) => decodeProved(gpsk4, Code.Response, packet, () => suite)],
  ]
  for (const [name, decode] of decoders) {
    test(`${name} of ciphersuite ${vector.ciphersuite}, cut at every length or with an octet more, is malformed`, () => {
      const packet = vector.octets(name)
      for (let length = 0; length < packet.length; length++) {
        assert.throws(() => decode(packet.subarray(0, length)), eapError('EAP_MALFORMED'), `cut at ${length}`)
        assert.throws(() => decode(cut(packet, length)), eapError('EAP_MALFORMED'), `cut at ${length}, Length too`)
      }
      const longer = cut(Buffer.concat([packet, Buffer.alloc(1)]), packet.length + 1)
      assert.throws(() => decode(longer), eapError('EAP_MALFORMED'))
    })
  }
}

/** GPSK-1 with fields of any length. */
function rawGpsk1(idServer: number, list: number): Buffer {
  const lengths = [idServer, list].map((length) => Buffer.of(length >> 8, length & 0xff))
  const [idLength = ID, listLength = ID] = lengths
  const data = Buffer.concat([Buffer.of(1), idLength, Buffer.alloc(idServer), RAND, listLength, Buffer.alloc(list)])
  const packet = Buffer.concat([Buffer.of(1, 1, 0, 0, 51), data])
  return cut(packet, packet.length)
}

test('bounds: ID_Server of 1 to 253 octets, CSuite_List of 1 to 16 ciphersuites', () => {
  for (const [idServer, list] of [
    [1, 6],
    [253, 6],
    [1, 96],
  ] as const)
    assert.ok(parseGpsk1(rawGpsk1(idServer, list)))
  for (const [idServer, list] of [
    [0, 6],
    [254, 6],
    [1, 0],
    [1, 5],
    [1, 7],
    [1, 102],
  ] as const) {
    assert.throws(() => parseGpsk1(rawGpsk1(idServer, list)), eapError('EAP_MALFORMED'), `${idServer}, ${list}`)
  }
})

test('a field that may not be sent is the caller’s bug: RangeError', () => {
  assert.throws(() => writeGpsk1({ ...GPSK1, idServer: new Uint8Array(0) }), RangeError)
  assert.throws(() => writeGpsk1({ ...GPSK1, idServer: new Uint8Array(254) }), RangeError)
  assert.throws(() => writeGpsk1({ ...GPSK1, randServer: new Uint8Array(31) }), RangeError)
  assert.throws(() => writeGpsk1({ ...GPSK1, csuiteList: [] }), RangeError)
  assert.throws(() => writeGpsk1({ ...GPSK1, csuiteList: Array(17).fill(2) }), RangeError)
  assert.throws(() => writeGpsk1({ ...GPSK1, identifier: 256 }), RangeError)
})

test('a PD_Payload above 1,024 octets is malformed', () => {
  const packet = encodeMessage(gpsk4, Code.Response, { identifier: 1, pdPayload: new Uint8Array(1024) }, keysFor(2))
  assert.ok(decodeProved(gpsk4, Code.Response, packet, () => ciphersuite(2)))
  const longer = Buffer.concat([packet, Buffer.alloc(1)])
  longer.writeUInt16BE(1025, 6)
  const decode = () => decodeProved(gpsk4, Code.Response, cut(longer, longer.length), () => ciphersuite(2))
  assert.throws(decode, eapError('EAP_MALFORMED'))
})

test('the longest GPSK-2 that we send fits the least MTU of EAP, 1,020 octets', () => {
  const idPeer = new Uint8Array(253)
  const message = {
    ...GPSK1,
    idPeer,
    idServer: idPeer,
    randPeer: RAND,
    csuiteList: Array<number>(16).fill(2),
    csuiteSel: 2,
  }
  const packet = encodeMessage(gpsk2, Code.Response, { ...message, pdPayload: new Uint8Array(0) }, keysFor(2))
  assert.ok(packet.length <= 1020, `${packet.length} octets`)
})

test('an awaited GPSK-4 comes back as it was kept, and not from other octets', () => {
  for (const suite of CIPHERSUITES) {
    const message = parseGpsk2(
      encodeMessage(
        gpsk2,
        Code.Response,
        { ...GPSK1, identifier: 255, idPeer: ID, randPeer: RAND, csuiteSel: suite, pdPayload: ID },
        keysFor(suite),
      ),
    )
    const keys = keysFor(suite)
    const octets = encodeAwaitedGpsk4(awaitGpsk4(message, keys))
    const awaited = decodeAwaitedGpsk4(octets)
    assert.equal(awaited.identifier, 0)
    assert.equal(awaited.ciphersuite.id, suite)
    assert.deepEqual([awaited.sk, awaited.msk], [keys.sk, keys.msk])
    assert.doesNotMatch(JSON.stringify(awaited), /sk/)
    for (let length = 0; length < octets.length; length++) {
      assert.throws(() => decodeAwaitedGpsk4(octets.subarray(0, length)), eapError('EAP_MALFORMED'))
    }
    assert.throws(() => decodeAwaitedGpsk4(Buffer.concat([octets, ID])), eapError('EAP_MALFORMED'))
    assert.throws(() => decodeAwaitedGpsk4(Buffer.of(0, 3)), eapError('EAP_UNSUPPORTED_CIPHERSUITE'))
  }
})

test('octets by chance only ever throw EapError, in every decoder', () => {
  const keys = keysFor(2)
  const awaited = decodeAwaitedGpsk4(Buffer.concat([Buffer.of(1, 2), Buffer.alloc(96)]))
  const decoders: readonly ((packet: Uint8Array) => unknown)[] = [
    parseGpsk1,
    parseGpsk2,
    decodeAwaitedGpsk4,
    (packet) => decodePlain(gpsk1, Code.Request, packet),
    (packet) => parseFail(Code.Request, packet),
    (packet) => parseProtectedFail(Code.Request, packet, keys),
    (packet) => verifyGpsk4(packet, awaited),
  ]
  // Octets with a right header and OP-Code get further than those without.
  const framed = fc
    .tuple(fc.constantFrom(1, 2), fc.integer({ min: 1, max: 6 }), fc.uint8Array({ maxLength: 300 }))
    .map(([code, opCode, rest]) => {
      const packet = Buffer.concat([Buffer.of(code, 1, 0, 0, 51, opCode), rest])
      return cut(packet, packet.length)
    })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), framed), (octets) => {
      for (const decode of decoders) {
        try {
          decode(octets)
        } catch (error) {
          assert.ok(error instanceof EapError, String(error))
        }
      }
    }),
    { numRuns: 500 },
  )
})
