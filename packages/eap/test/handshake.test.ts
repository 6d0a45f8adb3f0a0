// Whole conversations between our peer and our server, undisturbed and under attack.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  Code,
  decodePacket,
  encodePacket,
  failure,
  identityRequest,
  nak,
  OpCode,
  opCodeOf,
  success,
  Type,
} from '../src/index.ts'
import { converse, cut, discards, fails, flip, ID_PEER, NOW, type Outcome, PSK, peer, sent, server } from './support.ts'

function succeeded({ server: atServer, peer: atPeer }: Outcome, csuite: number): void {
  assert.ok(atServer.do === 'succeed' && atPeer.do === 'succeed')
  assert.equal(atServer.keys.ciphersuite.id, csuite)
  for (const name of ['msk', 'emsk', 'sk', 'pk', 'sessionId'] as const) {
    assert.deepEqual(atServer.keys[name], atPeer.keys[name], name)
  }
}

const NEGOTIATED: readonly (readonly [offered: number[], allowed: number[], chosen: number])[] = [
  [[2, 1], [2, 1], 2],
  [[1, 2], [2, 1], 2],
  [[1, 2], [1, 2], 1],
  [[1], [2, 1], 1],
  [[2], [2, 1], 2],
  [[2, 1], [1], 1],
  [[9, 2, 1], [2, 1], 2],
]

for (const [offered, allowed, chosen] of NEGOTIATED) {
  test(`ciphersuites ${offered} offered, ${allowed} allowed: ${chosen}, and both sides have the same keys`, () => {
    const outcome = converse(server({ csuites: offered }), peer({ csuites: allowed }))
    succeeded(outcome, chosen)
    assert.equal(outcome.packets.length, 5, 'GPSK-1 to GPSK-4 and EAP-Success')
  })
}

test('a PSK of 16 octets makes the peer choose ciphersuite 1', () => {
  const psk = PSK.subarray(0, 16)
  succeeded(converse(server({ findPsk: () => psk }), peer({ psk })), 1)
})

test('two conversations have nothing in common but the PSK', () => {
  const [a, b] = [converse(server(), peer()), converse(server(), peer())].map(({ server: step }) => step)
  assert.ok(a?.do === 'succeed' && b?.do === 'succeed')
  assert.notDeepEqual(a.keys.msk, b.keys.msk)
  assert.notDeepEqual(a.keys.sessionId, b.keys.sessionId)
})

test('a wrong key and an unknown peer look the same to the peer: GPSK-Fail, Authentication Failure, EAP-Failure', () => {
  const wrongKey = converse(server(), peer({ psk: Buffer.alloc(32) }))
  const unknown = converse(server(), peer({ idPeer: 'nobody@example.org' }))
  fails(wrongKey.server, 'EAP_BAD_MAC')
  fails(unknown.server, 'EAP_UNKNOWN_PEER')
  for (const { peer: step, packets } of [wrongKey, unknown]) {
    assert.equal(fails(step, 'EAP_REFUSED').told, 2)
    assert.deepEqual(
      packets.slice(2).map((packet) => packet.toString('hex')),
      ['0108000a330500000002', '0208000a330500000002', '04080004'],
    )
  }
})

test('a known peer that may not come in gets a GPSK-Protected-Fail, Authorization Failure', () => {
  const asked: string[] = []
  const authorize = (idPeer: Uint8Array) => asked.push(Buffer.from(idPeer).toString()) === 0
  const outcome = converse(server({ authorize }), peer())
  fails(outcome.server, 'EAP_NOT_AUTHORIZED')
  assert.equal(fails(outcome.peer, 'EAP_REFUSED').told, 3)
  assert.deepEqual(asked, [ID_PEER])
  assert.deepEqual(outcome.packets.slice(2, 4).map(opCode), [OpCode.ProtectedFail, OpCode.ProtectedFail])
})

test('a peer without proof is not even asked about', () => {
  const authorize = () => assert.fail('asked')
  fails(converse(server({ authorize }), peer({ psk: Buffer.alloc(32) })).server, 'EAP_BAD_MAC')
})

test('no ciphersuite in common: the peer sends a Nak, and both fail', () => {
  const outcome = converse(server({ csuites: [2] }), peer({ csuites: [1] }))
  fails(outcome.server, 'EAP_REFUSED')
  fails(outcome.peer, 'EAP_UNSUPPORTED_CIPHERSUITE')
  assert.deepEqual(outcome.packets[1], nak(7, [0]))
})

test('a server that the peer does not want gets a Nak', () => {
  const outcome = converse(
    server(),
    peer({ acceptServer: (id) => Buffer.from(id).toString() === 'another@example.org' }),
  )
  fails(outcome.server, 'EAP_REFUSED')
  fails(outcome.peer, 'EAP_WRONG_SERVER')
})

function opCode(packet: Uint8Array): number | undefined {
  const decoded = decodePacket(packet)
  return 'type' in decoded && decoded.type === Type.Gpsk ? opCodeOf(decoded) : undefined
}

for (const csuite of [1, 2]) {
  test(`one bit flipped in any octet of any packet: nobody ever succeeds, ciphersuite ${csuite}`, () => {
    const lengths = converse(server(), peer({ csuites: [csuite] })).packets.map(({ length }) => length)
    for (const [i, length] of lengths.slice(0, 4).entries()) {
      for (let at = 0; at < length; at++) {
        const attack = (packet: Buffer, number: number) => (number === i + 1 ? flip(packet, at) : packet)
        const { server: step } = converse(server(), peer({ csuites: [csuite] }), attack)
        assert.ok(step.do === 'discard' || step.do === 'send' || step.do === 'fail', `packet ${i + 1}, octet ${at}`)
      }
    }
  })

  test(`GPSK-3 with one bit flipped: discarded, and the right one is still taken, ciphersuite ${csuite}`, () => {
    const [aServer, aPeer] = [server(), peer({ csuites: [csuite] })]
    const gpsk2 = sent(aPeer.receive(sent(aServer.start(NOW)), NOW))
    const gpsk3 = sent(aServer.receive(gpsk2, NOW))
    const identifierAt = 1 // which nothing protects; an answer under it is discarded by the server
    for (let at = 0; at < gpsk3.length; at++) {
      if (at === identifierAt) continue
      assert.equal(aPeer.receive(flip(gpsk3, at), NOW).do, 'discard', `octet ${at}`)
      assert.ok(aPeer.keys === undefined)
    }
    assert.equal(aServer.receive(sent(aPeer.receive(gpsk3, NOW)), NOW).do, 'succeed')
  })

  test(`GPSK-4 with one bit flipped: discarded, and the right one is still taken, ciphersuite ${csuite}`, () => {
    const [aServer, aPeer] = [server(), peer({ csuites: [csuite] })]
    const gpsk2 = sent(aPeer.receive(sent(aServer.start(NOW)), NOW))
    const gpsk4 = sent(aPeer.receive(sent(aServer.receive(gpsk2, NOW)), NOW))
    for (let at = 0; at < gpsk4.length; at++) {
      assert.equal(aServer.receive(flip(gpsk4, at), NOW).do, 'discard', `octet ${at}`)
    }
    assert.equal(aServer.receive(gpsk4, NOW).do, 'succeed')
  })
}

test('any packet cut at any length is discarded', () => {
  const { packets } = converse(server(), peer())
  for (const [i, packet] of packets.entries()) {
    for (let length = 0; length < packet.length; length++) {
      const attack = (whole: Buffer, number: number) => (number === i + 1 ? cut(whole, length) : whole)
      const outcome = converse(server(), peer(), attack)
      discards(i % 2 === 0 ? outcome.peer : outcome.server, 'EAP_MALFORMED')
    }
  }
})

test('an attacker who strikes ciphersuite 2 from the offer is found out', () => {
  const strike = (packet: Buffer, number: number) => {
    if (number !== 1) return packet
    const shorter = cut(packet, packet.length - 6)
    shorter.writeUInt16BE(6, shorter.length - 8)
    return shorter
  }
  discards(converse(server({ csuites: [1, 2] }), peer(), strike).server, 'EAP_DOWNGRADE')
})

test('a GPSK-2 replayed into another conversation is discarded, whatever its identifier', () => {
  const gpsk2 = sent(peer().receive(sent(server().start(NOW)), NOW))
  const another = server()
  another.start(NOW)
  discards(another.receive(gpsk2, NOW), 'EAP_WRONG_RAND')
})

test('a GPSK-3 replayed to another peer object is discarded', () => {
  const aServer = server()
  const gpsk1 = sent(aServer.start(NOW))
  const gpsk3 = sent(aServer.receive(sent(peer().receive(gpsk1, NOW)), NOW))
  const another = peer()
  another.receive(gpsk1, NOW)
  discards(another.receive(gpsk3, NOW), 'EAP_WRONG_RAND')
})

test('messages sent back to the side that sent them are discarded', () => {
  const [aServer, aPeer] = [server(), peer()]
  const gpsk1 = sent(aServer.start(NOW))
  discards(aServer.receive(gpsk1, NOW), 'EAP_UNEXPECTED')
  discards(aPeer.receive(sent(aPeer.receive(gpsk1, NOW)), NOW), 'EAP_UNEXPECTED')
})

test('the same Request again gets the same Response again, RFC 3748 section 4.1', () => {
  const [aServer, aPeer] = [server(), peer()]
  const gpsk1 = sent(aServer.start(NOW))
  const gpsk2 = sent(aPeer.receive(gpsk1, NOW))
  assert.deepEqual(sent(aPeer.receive(gpsk1, NOW)), gpsk2)
  const gpsk3 = sent(aServer.receive(gpsk2, NOW))
  const gpsk4 = sent(aPeer.receive(gpsk3, NOW))
  assert.deepEqual(sent(aPeer.receive(gpsk3, NOW)), gpsk4)
  assert.equal(aServer.receive(gpsk4, NOW).do, 'succeed')
})

test('the same Response again is discarded by the server', () => {
  const [aServer, aPeer] = [server(), peer()]
  const gpsk2 = sent(aPeer.receive(sent(aServer.start(NOW)), NOW))
  const gpsk4 = sent(aPeer.receive(sent(aServer.receive(gpsk2, NOW)), NOW))
  discards(aServer.receive(gpsk2, NOW), 'EAP_UNEXPECTED')
  assert.equal(aServer.receive(gpsk4, NOW).do, 'succeed')
  discards(aServer.receive(gpsk4, NOW), 'EAP_UNEXPECTED')
})

test('Identity is answered, another method gets a Nak that offers GPSK, a Notification an acknowledgement', () => {
  const aPeer = peer()
  const identity = { code: Code.Response, identifier: 1, type: Type.Identity, data: Buffer.from(ID_PEER) }
  assert.deepEqual(sent(aPeer.receive(identityRequest(1), NOW)), encodePacket(identity))
  const md5 = encodePacket({ code: Code.Request, identifier: 2, type: 4, data: Buffer.alloc(17) })
  assert.equal(sent(aPeer.receive(md5, NOW)).toString('hex'), '020200060333')
  const expanded = encodePacket({ code: Code.Request, identifier: 3, type: 254, data: Buffer.alloc(8) })
  assert.equal(sent(aPeer.receive(expanded, NOW)).toString('hex'), '020300060333')
  const notification = encodePacket({
    code: Code.Request,
    identifier: 4,
    type: Type.Notification,
    data: Buffer.from('hi'),
  })
  assert.equal(sent(aPeer.receive(notification, NOW)).toString('hex'), '0204000502')
  assert.equal(aPeer.receive(sent(server({ identifier: 5 }).start(NOW)), NOW).do, 'send')
})

test('EAP-Success before GPSK-3 is discarded: nobody gets in on a word in the clear', () => {
  const aPeer = peer()
  discards(aPeer.receive(success(7), NOW), 'EAP_UNEXPECTED')
  aPeer.receive(sent(server().start(NOW)), NOW)
  discards(aPeer.receive(success(7), NOW), 'EAP_UNEXPECTED')
  assert.ok(aPeer.keys === undefined)
})

test('a result with another identifier than the last Response is discarded, RFC 3748 section 4.2', () => {
  const [aServer, aPeer] = [server(), peer()]
  const gpsk2 = sent(aPeer.receive(sent(aServer.start(NOW)), NOW))
  discards(aPeer.receive(failure(8), NOW), 'EAP_UNEXPECTED')
  aPeer.receive(sent(aServer.receive(gpsk2, NOW)), NOW)
  discards(aPeer.receive(success(7), NOW), 'EAP_UNEXPECTED')
  assert.equal(aPeer.receive(success(8), NOW).do, 'succeed')
})

test('EAP-Failure takes the keys away again', () => {
  const [aServer, aPeer] = [server(), peer()]
  const gpsk2 = sent(aPeer.receive(sent(aServer.start(NOW)), NOW))
  aPeer.receive(sent(aServer.receive(gpsk2, NOW)), NOW)
  assert.ok(aPeer.keys !== undefined)
  fails(aPeer.receive(failure(8), NOW), 'EAP_REFUSED')
  assert.equal(aPeer.keys, undefined)
})

test('the deadline ends a conversation on either side, at its millisecond', () => {
  const [aServer, aPeer] = [server({ timeoutMs: 1000 }), peer({ timeoutMs: 1000 })]
  assert.deepEqual([aServer.timeoutAt(), aPeer.timeoutAt()], [undefined, undefined])
  const gpsk1 = sent(aServer.start(NOW))
  const gpsk2 = sent(aPeer.receive(gpsk1, NOW))
  assert.deepEqual([aServer.timeoutAt(), aPeer.timeoutAt()], [NOW + 1000, NOW + 1000])
  assert.deepEqual(sent(aPeer.receive(gpsk1, NOW + 999)), gpsk2)
  fails(aPeer.receive(gpsk1, NOW + 1000), 'EAP_TIMED_OUT')
  fails(aServer.receive(gpsk2, NOW + 1000), 'EAP_TIMED_OUT')
  assert.deepEqual([aServer.timeoutAt(), aPeer.timeoutAt()], [undefined, undefined])
  discards(aServer.receive(gpsk2, NOW + 1001), 'EAP_UNEXPECTED')
  discards(aPeer.receive(gpsk1, NOW + 1001), 'EAP_UNEXPECTED')
})

test('what the caller got wrong is said when the machine is made', () => {
  assert.throws(() => peer({ idPeer: '' }), RangeError)
  assert.throws(() => peer({ idPeer: 'x'.repeat(254) }), RangeError)
  assert.throws(() => peer({ psk: Buffer.alloc(15) }), RangeError)
  assert.throws(() => peer({ psk: Buffer.alloc(31), csuites: [2] }), RangeError)
  assert.throws(() => server({ idServer: '' }), RangeError)
  assert.throws(() => server({ csuites: [] }), RangeError)
  assert.throws(() => server({ identifier: 256 }), RangeError)
})

test('octets by chance are discarded by both machines in every state, without an exception', () => {
  const framed = fc
    .tuple(
      fc.constantFrom(1, 2),
      fc.constantFrom(7, 8, 9),
      fc.integer({ min: 1, max: 6 }),
      fc.uint8Array({ maxLength: 200 }),
    )
    .map(([code, identifier, op, rest]) => {
      const packet = Buffer.concat([Buffer.of(code, identifier, 0, 0, Type.Gpsk, op), rest])
      return cut(packet, packet.length)
    })
  fc.assert(
    fc.property(fc.array(fc.oneof(framed, fc.uint8Array({ maxLength: 40 })), { maxLength: 6 }), (noise) => {
      const [aServer, aPeer] = [server(), peer()]
      let packet: Uint8Array = sent(aServer.start(NOW))
      for (const machine of [aPeer, aServer, aPeer, aServer]) {
        for (const octets of noise) {
          const step = machine.receive(octets, NOW)
          assert.ok(step.do !== 'succeed')
        }
        const step = machine.receive(packet, NOW)
        if (!('packet' in step) || step.packet === undefined) return
        packet = step.packet
      }
    }),
    { numRuns: 200 },
  )
})
