import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Code, decodePacket, encodePacket, type Packet } from '../src/packet.ts'
import { encodeRequest, type SentRequest } from '../src/request.ts'
import { checkResponse, encodeResponse, type Response } from '../src/response.ts'
import { decryptKey, encryptKey, mskAttributes, mskOf } from '../src/rfc2548.ts'
import { ProxyState, State, VendorSpecific } from '../src/rfc2865.ts'
import { hasValidMessageAuthenticator, MessageAuthenticator, messageAuthenticator } from '../src/rfc3579.ts'
import { SharedSecret } from '../src/secret.ts'
import { accessRequest, captured, secret } from './helpers.ts'

const badAuthenticator = { name: 'RadiusError', code: 'RADIUS_BAD_AUTHENTICATOR' }
const malformed = { name: 'RadiusError', code: 'RADIUS_MALFORMED' }
const otherSecret = SharedSecret.of('another secret')
const msk = Buffer.from(Array.from({ length: 64 }, (_, i) => i))
const reject: Response = { code: Code.AccessReject, attributes: [] }

function exchange(response: Response = reject, request = accessRequest()): { request: SentRequest; answer: Buffer } {
  return { request, answer: encodeResponse(response, decodePacket(request.octets), secret) }
}

function check(answer: Buffer, request: SentRequest, with_ = secret): void {
  checkResponse(decodePacket(answer), request, with_)
}

/** An answer as a server without RFC 3579, or somebody in between, would make it: Response Authenticator right, attributes as told. */
function answerWithout(
  request: SentRequest,
  attributes: Packet['attributes'],
  code: number = Code.AccessAccept,
): Buffer {
  const octets = encodePacket({ ...request, code }, attributes)
  octets.set(secret.md5After(octets), 4)
  return octets
}

const capturedSecret = SharedSecret.of(captured.sharedSecret)
const packets = captured.packets.map(({ octets }) => decodePacket(Buffer.from(octets, 'hex')))

test('captured: Message-Authenticator of each request and each answer is right', () => {
  for (const [at, packet] of packets.entries()) {
    const requestAuthenticator = at % 2 === 1 ? packets[at - 1]?.authenticator : undefined
    assert.ok(hasValidMessageAuthenticator(packet, capturedSecret, requestAuthenticator), `packet ${at}`)
  }
})

test('captured: each answer is accepted for its request, and for no other', () => {
  const sent = packets.map((packet) => ({ ...packet, code: Code.AccessRequest })) as SentRequest[]
  for (const at of [1, 3, 5]) {
    checkResponse(packets[at] as Packet, sent[at - 1] as SentRequest, capturedSecret)
    const other = { ...(sent[at - 1] as SentRequest), authenticator: (sent[(at + 1) % 6] as SentRequest).authenticator }
    assert.throws(() => checkResponse(packets[at] as Packet, other, capturedSecret), badAuthenticator)
  }
})

test('captured: the MSK is the one that eapol_test derived', () => {
  const [, , , , request, accept] = packets as [Packet, Packet, Packet, Packet, Packet, Packet]
  assert.equal(mskOf(accept.attributes, request.authenticator, capturedSecret)?.toString('hex'), captured.msk)
})

test('captured: encrypting the MSK with the salts of hostapd gives its octets', () => {
  const [, , , , request, accept] = packets as [Packet, Packet, Packet, Packet, Packet, Packet]
  const halves: Record<number, Buffer> = { 17: msk32(0), 16: msk32(32) }
  const theirs = VendorSpecific.findAll(accept.attributes)
  assert.equal(theirs.length, 2)
  for (const octets of theirs) {
    const half = halves[octets[4] as number] as Buffer
    const ours = encryptKey(half, octets.readUInt16BE(6), request.authenticator, capturedSecret)
    assert.deepEqual(ours, octets.subarray(6))
  }
  function msk32(at: number): Buffer {
    return Buffer.from(captured.msk, 'hex').subarray(at, at + 32)
  }
})

test('Message-Authenticator is the first attribute of requests and of answers', () => {
  const { request, answer } = exchange()
  assert.equal(decodePacket(request.octets).attributes[0]?.type, MessageAuthenticator.type)
  assert.equal(decodePacket(answer).attributes[0]?.type, MessageAuthenticator.type)
})

test('a request verifies with its secret, with no other', () => {
  const packet = decodePacket(accessRequest().octets)
  assert.ok(hasValidMessageAuthenticator(packet, secret))
  assert.ok(!hasValidMessageAuthenticator(packet, otherSecret))
})

test('a request with any one bit flipped does not verify', () => {
  const { octets } = accessRequest()
  for (let bit = 0; bit < octets.length * 8; bit++) {
    const flipped = Buffer.from(octets)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    let packet: Packet
    try {
      packet = decodePacket(flipped)
    } catch {
      continue
    }
    assert.ok(!hasValidMessageAuthenticator(packet, secret), `bit ${bit}`)
  }
})

test('verifying changes no octet', () => {
  const { octets } = accessRequest()
  const before = Buffer.from(octets)
  hasValidMessageAuthenticator(decodePacket(octets), secret)
  assert.deepEqual(octets, before)
})

test('Request Authenticators are fresh', () => {
  assert.notDeepEqual(accessRequest().authenticator, accessRequest().authenticator)
})

test('an answer is accepted for its request', () => {
  const { request, answer } = exchange()
  check(answer, request)
})

test('an answer with any one bit flipped is refused', () => {
  const { request, answer } = exchange({ code: Code.AccessChallenge, attributes: [State.of(Buffer.from('state'))] })
  for (let bit = 0; bit < answer.length * 8; bit++) {
    const flipped = Buffer.from(answer)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.throws(() => check(flipped, request), { name: 'RadiusError' }, `bit ${bit}`)
  }
})

test('an answer of another secret, or to another request, is refused', () => {
  const { request, answer } = exchange()
  assert.throws(() => check(answer, request, otherSecret), badAuthenticator)
  assert.throws(() => check(answer, accessRequest()), badAuthenticator)
  assert.throws(() => check(answer, { ...request, identifier: request.identifier + 1 }), malformed)
})

test('CVE-2024-3596: an Access-Accept without Message-Authenticator is refused, its Response Authenticator right or not', () => {
  const request = accessRequest()
  assert.throws(() => check(answerWithout(request, []), request), badAuthenticator)
})

test('an Access-Accept with a wrong Message-Authenticator is refused, its Response Authenticator right', () => {
  const request = accessRequest()
  const octets = answerWithout(request, [MessageAuthenticator.of(randomBytes(16))])
  assert.throws(() => check(octets, request), badAuthenticator)
})

test('a code that answers no Access-Request is refused', () => {
  const request = accessRequest()
  for (const code of [1, 4, 5, 12, 13, 40, 255]) {
    assert.throws(() => check(answerWithout(request, [], code), request), malformed, `code ${code}`)
  }
})

test('Status-Server: Access-Accept answers it also without Message-Authenticator, Access-Reject does not', () => {
  const request = encodeRequest(Code.StatusServer, 1, [], secret)
  check(answerWithout(request, []), request)
  assert.throws(() => check(answerWithout(request, [], Code.AccessReject), request), malformed)
  assert.throws(
    () => check(answerWithout(request, [MessageAuthenticator.of(randomBytes(16))]), request),
    badAuthenticator,
  )
})

test('Proxy-State attributes are repeated in their order, and last', () => {
  const states = ['c', 'a', 'b', 'a'].map((value) => ProxyState.of(Buffer.from(value)))
  const { answer } = exchange({ ...reject, attributes: [State.of(Buffer.from('s'))] }, accessRequest(1, states))
  const attributes = decodePacket(answer).attributes
  assert.deepEqual(ProxyState.findAll(attributes).map(String), ['c', 'a', 'b', 'a'])
  assert.deepEqual(
    attributes.slice(-4).map(({ type }) => type),
    [33, 33, 33, 33],
  )
})

test('an answer above 4096 octets is a RangeError', () => {
  const attributes = Array.from({ length: 16 }, () => State.of(Buffer.alloc(253)))
  assert.throws(() => exchange({ ...reject, attributes }), RangeError)
})

test('the MSK comes through an Access-Accept', () => {
  const { request, answer } = exchange({ code: Code.AccessAccept, attributes: [], msk })
  check(answer, request)
  assert.deepEqual(mskOf(decodePacket(answer).attributes, request.authenticator, secret), msk)
  assert.ok(!answer.includes(msk.subarray(0, 16)))
})

test('the salts of the two keys have their top bit set and differ', () => {
  for (let i = 0; i < 50; i++) {
    const salts = mskAttributes(msk, randomBytes(16), secret).map(({ value }) => value.readUInt16BE(6))
    assert.ok(salts.every((salt) => salt >= 0x8000))
    assert.notEqual(salts[0], salts[1])
  }
})

test('property: MS-MPPE keys of 0 to 230 octets decrypt to what was encrypted', () => {
  const key = fc.uint8Array({ maxLength: 230 })
  fc.assert(
    fc.property(key, fc.integer({ min: 0x8000, max: 0xffff }), (octets, salt) => {
      const authenticator = randomBytes(16)
      const encrypted = encryptKey(octets, salt, authenticator, secret)
      assert.deepEqual(decryptKey(encrypted, authenticator, secret), Buffer.from(octets))
    }),
  )
})

test('another secret or authenticator does not give the MSK', () => {
  const authenticator = randomBytes(16)
  const attributes = mskAttributes(msk, authenticator, secret)
  for (const [otherAuthenticator, with_] of [
    [authenticator, otherSecret],
    [randomBytes(16), secret],
  ] as const) {
    let got: Buffer | undefined
    try {
      got = mskOf(attributes, otherAuthenticator, with_)
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'RADIUS_MALFORMED')
    }
    assert.notDeepEqual(got, msk)
  }
})

test('an MS-MPPE key that is not of salt and whole blocks is refused', () => {
  for (const octets of [0, 1, 2, 17, 19, 33]) {
    assert.throws(() => decryptKey(Buffer.alloc(octets), Buffer.alloc(16), secret), malformed, `${octets} octets`)
  }
})

test('an MS-MPPE key whose length does not fit its blocks is refused', () => {
  const encrypted = encryptKey(Buffer.alloc(15), 0x8001, Buffer.alloc(16), secret)
  encrypted[2] = (encrypted[2] as number) ^ 15 ^ 16
  assert.throws(() => decryptKey(encrypted, Buffer.alloc(16), secret), malformed)
})

test('an MSK needs both keys, each once', () => {
  const authenticator = randomBytes(16)
  const [recv, send] = mskAttributes(msk, authenticator, secret) as [Packet['attributes'][0], Packet['attributes'][0]]
  assert.equal(mskOf([recv], authenticator, secret), undefined)
  assert.equal(mskOf([send], authenticator, secret), undefined)
  assert.throws(() => mskOf([recv, send, recv], authenticator, secret), malformed)
})

test('Vendor-Specific of Microsoft whose inside does not fit is refused, of others it is not looked into', () => {
  const inside = (vendor: string) => [{ type: 26, value: Buffer.from(`${vendor}1009aa`, 'hex') }]
  assert.throws(() => mskOf(inside('00000137'), Buffer.alloc(16), secret), malformed)
  assert.equal(mskOf(inside('00000009'), Buffer.alloc(16), secret), undefined)
})

test('an MSK that is not of 64 octets is a RangeError', () => {
  assert.throws(() => mskAttributes(Buffer.alloc(63), Buffer.alloc(16), secret), RangeError)
})

test('an empty shared secret is a RangeError', () => {
  assert.throws(() => SharedSecret.of(''), RangeError)
})

test('a shared secret shows itself neither to inspect nor to JSON', () => {
  const hidden = SharedSecret.of('do not show')
  const shown = inspect(hidden, { depth: 9, showHidden: true }) + JSON.stringify(hidden) + String(hidden)
  assert.ok(!shown.includes('do not show') && !shown.includes(Buffer.from('do not show').toString('hex')))
})

test('RFC 3579 section 3.2: the sum is over the packet with the attribute zero', () => {
  const { octets } = accessRequest()
  const zeroed = Buffer.from(octets)
  zeroed.fill(0, 22, 38)
  const expected = createHmac('md5', 'a secret of this test').update(zeroed).digest()
  assert.deepEqual(messageAuthenticator(octets, 22, secret), expected)
  assert.deepEqual(octets.subarray(22, 38), expected)
})

test('RFC 2104: HMAC-MD5 with a secret of any length', () => {
  for (const length of [1, 16, 63, 64, 65, 253]) {
    const [key, octets] = [randomBytes(length), randomBytes(length)]
    assert.deepEqual(SharedSecret.of(key).hmacMd5(octets), createHmac('md5', key).update(octets).digest(), `${length}`)
  }
})
