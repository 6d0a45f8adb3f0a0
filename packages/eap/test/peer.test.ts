// The peer's functions: each way in which GPSK-3 can be wrong although its MAC is right. And what both machines leave alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeMessage, gpsk3 } from '../src/gpsk/messages.ts'
import { verifyGpsk3, writeGpsk2 } from '../src/gpsk/peer.ts'
import {
  awaitGpsk4,
  Code,
  decodeAwaitedGpsk4,
  encodeAwaitedGpsk4,
  nak,
  parseGpsk1,
  parseGpsk2,
  verifyGpsk2,
  writeGpsk1,
  writeGpsk3,
} from '../src/index.ts'
import { discards, eapError, NOW, PSK, peer, sent, server } from './support.ts'

const ISSUED = { identifier: 7, idServer: Buffer.from('server'), randServer: Buffer.alloc(32, 2), csuiteList: [2, 1] }
const CHOICE = { idPeer: Buffer.from('peer'), randPeer: Buffer.alloc(32, 1), csuiteSel: 2 }
const FIELDS = { ...ISSUED, ...CHOICE, identifier: 8, pdPayload: new Uint8Array(0) }

/** Checks a GPSK-3 whose MAC is right for what it says. */
function verify(change: Partial<typeof FIELDS>): number {
  const { answered } = writeGpsk2(ISSUED, PSK, CHOICE)
  return verifyGpsk3(encodeMessage(gpsk3, Code.Request, { ...FIELDS, ...change }, answered.keys), answered)
}

const WRONG: readonly (readonly [why: string, change: Partial<typeof FIELDS>, code: Parameters<typeof eapError>[0]])[] =
  [
    ['another RAND_Peer', { randPeer: Buffer.alloc(32, 9) }, 'EAP_WRONG_RAND'],
    ['another RAND_Server', { randServer: Buffer.alloc(32, 9) }, 'EAP_WRONG_RAND'],
    ['another ID_Server', { idServer: Buffer.from('Server') }, 'EAP_WRONG_SERVER'],
    ['another CSuite_Sel', { csuiteSel: 1 }, 'EAP_DOWNGRADE'],
  ]

for (const [why, change, code] of WRONG) {
  test(`GPSK-3 with ${why} is discarded although its MAC is right`, () => {
    assert.throws(() => verify(change), eapError(code))
  })
}

test('GPSK-3 with a PD_Payload is accepted, and the payload ignored', () => {
  assert.equal(verify({ pdPayload: Buffer.from('something') }), 8)
})

test('a link may use the octets of GPSK-1 again: the peer kept copies', () => {
  const octets = writeGpsk1(ISSUED)
  const { packet, answered } = writeGpsk2(parseGpsk1(octets), PSK, CHOICE)
  octets.fill(0)
  const message = parseGpsk2(packet)
  assert.equal(verifyGpsk3(writeGpsk3(message, verifyGpsk2(message, PSK, ISSUED)), answered), 8)
})

test('what was decoded of an awaited GPSK-4 outlives its octets', () => {
  const message = parseGpsk2(writeGpsk2(ISSUED, PSK, CHOICE).packet)
  const keys = verifyGpsk2(message, PSK, ISSUED)
  const octets = encodeAwaitedGpsk4(awaitGpsk4(message, keys))
  const awaited = decodeAwaitedGpsk4(octets)
  octets.fill(0)
  assert.deepEqual([awaited.sk, awaited.msk], [keys.sk, keys.msk])
})

test('a Nak to another Request ends nothing', () => {
  const aServer = server()
  aServer.start(NOW)
  discards(aServer.receive(nak(6, [0]), NOW), 'EAP_UNEXPECTED')
  assert.equal(aServer.state, 'sentGpsk1')
})

test('an error of the caller’s own look-up passes through, and is no reason to refuse the peer', () => {
  const findPsk = () => {
    throw new TypeError('the store is closed')
  }
  const aServer = server({ findPsk })
  const gpsk2 = sent(peer().receive(sent(aServer.start(NOW)), NOW))
  assert.throws(() => aServer.receive(gpsk2, NOW), TypeError)
  assert.equal(aServer.state, 'sentGpsk1')
})
