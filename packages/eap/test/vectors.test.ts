// docs/vectors/eap-gpsk.json: what hostapd 2.10 and eapol_test 2.10 said to each other, octet for octet, from both sides.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ciphersuite } from '../src/gpsk/ciphersuite.ts'
import { deriveMk } from '../src/gpsk/keys.ts'
import {
  awaitGpsk4,
  decodeAwaitedGpsk4,
  encodeAwaitedGpsk4,
  GpskKeys,
  GpskPeer,
  GpskServer,
  parseGpsk1,
  parseGpsk2,
  success,
  verifyGpsk2,
  verifyGpsk4,
  writeGpsk1,
  writeGpsk3,
} from '../src/index.ts'
import { NOW, sent, vectors } from './support.ts'

for (const vector of vectors) {
  const title = `ciphersuite ${vector.ciphersuite}, from ${vector.source}`
  const gpsk = (number: number) => vector.octets(`gpsk${number}`)
  const keyInput = {
    randPeer: vector.octets('rand_peer'),
    idPeer: Buffer.from(vector.idPeer),
    randServer: vector.octets('rand_server'),
    idServer: Buffer.from(vector.idServer),
    csuiteSel: vector.ciphersuite,
  }

  test(`keys, ${title}`, () => {
    const keys = new GpskKeys(vector.octets('psk'), keyInput)
    assert.equal(keys.msk.toString('hex'), vector.hex['msk'])
    assert.equal(keys.emsk.toString('hex'), vector.hex['emsk'])
    assert.equal(keys.sk.toString('hex'), vector.hex['sk'])
    assert.equal(keys.pk.toString('hex'), vector.hex['pk'] ?? '')
    assert.equal(keys.sessionId.toString('hex'), vector.hex['session_id'])
  })

  test(`MK, ${title}`, () => {
    const suite = ciphersuite(vector.ciphersuite)
    const psk = vector.octets('psk')
    const { randPeer, idPeer, randServer, idServer } = keyInput
    const inputString = Buffer.concat([randPeer, idPeer, randServer, idServer])
    const mk = deriveMk(suite, suite.mac(psk.subarray(0, suite.ks)), psk, inputString)
    assert.equal(mk.toString('hex'), vector.hex['mk'])
  })

  test(`the server's functions, one process a message, ${title}`, () => {
    const issued = parseGpsk1(gpsk(1))
    assert.deepEqual(writeGpsk1(issued), gpsk(1))
    assert.equal(Buffer.from(issued.idServer).toString(), vector.idServer)
    assert.deepEqual(issued.csuiteList, [1, 2])
    const message = parseGpsk2(gpsk(2))
    assert.equal(Buffer.from(message.idPeer).toString(), vector.idPeer)
    const keys = verifyGpsk2(message, vector.octets('psk'), issued)
    assert.deepEqual(writeGpsk3(message, keys), gpsk(3))
    const carried = encodeAwaitedGpsk4(awaitGpsk4(message, keys))
    assert.equal(carried.length, 2 + ciphersuite(vector.ciphersuite).ks + 64)
    const awaited = decodeAwaitedGpsk4(carried)
    verifyGpsk4(gpsk(4), awaited)
    assert.equal(Buffer.from(awaited.msk).toString('hex'), vector.hex['msk'])
  })

  test(`the server's machine, ${title}`, () => {
    const issued = parseGpsk1(gpsk(1))
    const machine = new GpskServer({
      idServer: vector.idServer,
      identifier: issued.identifier,
      csuites: issued.csuiteList,
      findPsk: () => vector.octets('psk'),
      random: () => issued.randServer,
    })
    assert.deepEqual(sent(machine.start(NOW)), gpsk(1))
    assert.deepEqual(sent(machine.receive(gpsk(2), NOW)), gpsk(3))
    const step = machine.receive(gpsk(4), NOW)
    assert.equal(step.do === 'succeed' && step.keys.msk.toString('hex'), vector.hex['msk'])
    assert.deepEqual(step.do === 'succeed' && step.packet, success(gpsk(4).readUInt8(1)))
  })

  test(`the peer's machine, ${title}`, () => {
    const psk = vector.octets('psk')
    const random = () => vector.octets('rand_peer')
    const machine = new GpskPeer({ idPeer: vector.idPeer, psk, csuites: [vector.ciphersuite], random })
    assert.deepEqual(sent(machine.receive(gpsk(1), NOW)), gpsk(2))
    assert.ok(!('msk' in (machine.keys ?? {})), 'no keys before GPSK-3 was verified')
    assert.deepEqual(sent(machine.receive(gpsk(3), NOW)), gpsk(4))
    assert.equal(machine.keys?.emsk.toString('hex'), vector.hex['emsk'])
    const step = machine.receive(success(gpsk(3).readUInt8(1)), NOW)
    assert.equal(step.do === 'succeed' && step.keys.sessionId.toString('hex'), vector.hex['session_id'])
  })
}
