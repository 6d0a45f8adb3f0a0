// The server's functions: each way in which GPSK-2 and GPSK-4 can be wrong, and what the peer may learn of it.
// `tell` undefined: discard in silence. `tell` 2: GPSK-Fail with Authentication Failure.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeMessage, gpsk2 } from '../src/gpsk/messages.ts'
import { writeGpsk4 } from '../src/gpsk/peer.ts'
import {
  awaitGpsk4,
  Code,
  EapError,
  type Gpsk1,
  GpskKeys,
  parseGpsk2,
  verifyGpsk2,
  verifyGpsk4,
  writeGpsk3,
} from '../src/index.ts'
import { eapError, flip, PSK, vectors } from './support.ts'

const RAND_PEER = Buffer.alloc(32, 1)
const ISSUED: Gpsk1 = {
  identifier: 7,
  idServer: Buffer.from('server'),
  randServer: Buffer.alloc(32, 2),
  csuiteList: [2, 1],
}
const FIELDS = {
  ...ISSUED,
  idPeer: Buffer.from('peer'),
  randPeer: RAND_PEER,
  csuiteSel: 2,
  pdPayload: new Uint8Array(0),
}

/** GPSK-2 whose MAC is right for what it says. */
function honest(change: Partial<typeof FIELDS> = {}, psk: Uint8Array = PSK): Buffer {
  const message = { ...FIELDS, ...change }
  return encodeMessage(gpsk2, Code.Response, message, new GpskKeys(psk, message))
}

const verify = (packet: Uint8Array, psk: Uint8Array | undefined = PSK) => verifyGpsk2(parseGpsk2(packet), psk, ISSUED)

const WRONG: readonly (readonly [why: string, change: Partial<typeof FIELDS>, code: Parameters<typeof eapError>[0]])[] =
  [
    ['another identifier', { identifier: 8 }, 'EAP_UNEXPECTED'],
    ['another ID_Server', { idServer: Buffer.from('Server') }, 'EAP_WRONG_SERVER'],
    ['a longer ID_Server', { idServer: Buffer.from('server2') }, 'EAP_WRONG_SERVER'],
    ['another RAND_Server', { randServer: RAND_PEER }, 'EAP_WRONG_RAND'],
    ['a shorter CSuite_List', { csuiteList: [1], csuiteSel: 1 }, 'EAP_DOWNGRADE'],
    ['a longer CSuite_List', { csuiteList: [2, 1, 3] }, 'EAP_DOWNGRADE'],
    ['another order in CSuite_List', { csuiteList: [1, 2] }, 'EAP_DOWNGRADE'],
  ]

for (const [why, change, code] of WRONG) {
  test(`GPSK-2 with ${why} is discarded although its MAC is right`, () => {
    assert.throws(() => verify(honest(change)), eapError(code))
  })
}

test('GPSK-2 that chose a ciphersuite which was not offered is discarded', () => {
  const packet = honest({ csuiteList: [2], csuiteSel: 1 })
  assert.throws(() => verifyGpsk2(parseGpsk2(packet), PSK, { ...ISSUED, csuiteList: [2] }), eapError('EAP_DOWNGRADE'))
})

test('GPSK-2 that chose a ciphersuite which is not implemented is discarded', () => {
  const message = { ...FIELDS, csuiteList: [2, 1, 9], csuiteSel: 9 }
  const packet = encodeMessage(gpsk2, Code.Response, message, new GpskKeys(PSK, FIELDS))
  assert.throws(() => parseGpsk2(packet), eapError('EAP_UNSUPPORTED_CIPHERSUITE'))
})

test('a wrong key, an unknown peer and a key too short tell the peer the same', () => {
  assert.throws(() => verify(honest({}, Buffer.alloc(32))), eapError('EAP_BAD_MAC', 2))
  assert.throws(() => verifyGpsk2(parseGpsk2(honest()), undefined, ISSUED), eapError('EAP_UNKNOWN_PEER', 2))
  assert.throws(() => verify(honest(), PSK.subarray(0, 16)), eapError('EAP_WEAK_PSK', 2))
})

test('PD_Payload is accepted and ignored, and covered by the MAC', () => {
  const packet = honest({ pdPayload: Buffer.from('something') })
  assert.deepEqual(verify(packet).msk, verify(honest()).msk)
  assert.throws(() => verify(flip(packet, packet.indexOf('something'))), eapError('EAP_BAD_MAC', 2))
})

test('GPSK-2 again gets the same GPSK-3 again', () => {
  const answer = () => writeGpsk3(parseGpsk2(honest()), verify(honest()))
  assert.deepEqual(answer(), answer())
})

for (const vector of vectors) {
  test(`GPSK-2 with one bit flipped in any octet is never accepted, ciphersuite ${vector.ciphersuite}`, () => {
    const packet = vector.octets('gpsk2')
    const idServer = Buffer.from(vector.idServer)
    const issued = {
      identifier: packet.readUInt8(1),
      idServer,
      randServer: vector.octets('rand_server'),
      csuiteList: [1, 2],
    }
    assert.ok(verifyGpsk2(parseGpsk2(packet), vector.octets('psk'), issued))
    const told = new Set<number>()
    for (let at = 0; at < packet.length; at++) {
      const verifyFlipped = () => verifyGpsk2(parseGpsk2(flip(packet, at)), vector.octets('psk'), issued)
      assert.throws(verifyFlipped, (error) => {
        assert.ok(error instanceof EapError, `octet ${at}: ${error}`)
        if (error.tell !== undefined) told.add(at)
        return true
      })
    }
    // Told are the octets that only the MAC protects: ID_Peer, RAND_Peer and the MAC itself. All others are discarded.
    const macAt = packet.length - (vector.ciphersuite === 1 ? 16 : 32)
    const range = (from: number, length: number) => Array.from({ length }, (_, i) => from + i)
    const idPeerAt = 8
    const randPeerAt = packet.indexOf(vector.octets('rand_peer'))
    const onlyMac = [
      ...range(idPeerAt, vector.idPeer.length),
      ...range(randPeerAt, 32),
      ...range(macAt, packet.length - macAt),
    ]
    assert.deepEqual([...told], onlyMac)
  })

  test(`GPSK-4 with one bit flipped in any octet is discarded, ciphersuite ${vector.ciphersuite}`, () => {
    const message = parseGpsk2(vector.octets('gpsk2'))
    const awaited = awaitGpsk4(message, new GpskKeys(vector.octets('psk'), message))
    const packet = vector.octets('gpsk4')
    verifyGpsk4(packet, awaited)
    for (let at = 0; at < packet.length; at++) {
      assert.throws(
        () => verifyGpsk4(flip(packet, at), awaited),
        (error) => error instanceof EapError && error.tell === undefined,
        `octet ${at}`,
      )
    }
  })
}

test('GPSK-4 of another conversation, or with another identifier, is discarded', () => {
  const message = parseGpsk2(honest())
  const keys = verify(honest())
  const awaited = awaitGpsk4(message, keys)
  verifyGpsk4(writeGpsk4(8, keys), awaited)
  assert.throws(() => verifyGpsk4(writeGpsk4(9, keys), awaited), eapError('EAP_UNEXPECTED'))
  const others = verify(honest({ randPeer: Buffer.alloc(32, 3) }))
  assert.throws(() => verifyGpsk4(writeGpsk4(8, others), awaited), eapError('EAP_BAD_MAC'))
  assert.throws(() => verifyGpsk4(honest(), awaited), eapError('EAP_UNEXPECTED'))
})
