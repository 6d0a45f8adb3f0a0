// Every cell of both transition tables, also the empty ones: what may come moves the state as the table says, what may not is
// discarded and moves nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeGpsk4 } from '../src/gpsk/peer.ts'
import { PEER_TRANSITIONS } from '../src/gpsk/peer-machine.ts'
import { SERVER_TRANSITIONS } from '../src/gpsk/server-machine.ts'
import {
  awaitGpsk4,
  Code,
  encodePacket,
  FailureCode,
  failure,
  type GpskKeys,
  type GpskPeer,
  type GpskServer,
  identityRequest,
  nak,
  parseGpsk2,
  type Step,
  success,
  Type,
  verifyGpsk2,
  writeFail,
  writeGpsk1,
  writeGpsk3,
  writeProtectedFail,
} from '../src/index.ts'
import { discards, NOW, PSK, peer, sent, server } from './support.ts'

const LATE = NOW + 86_400_000
const TABLE = { server: SERVER_TRANSITIONS, peer: PEER_TRANSITIONS }

/** Walks one cell: `from` a state, let `event` happen. */
function walk(
  side: 'server' | 'peer',
  machine: { readonly state: string },
  from: string,
  event: string,
  happen: () => Step,
): void {
  test(`${side} in state ${from}: ${event}`, () => {
    assert.equal(machine.state, from)
    const row: Readonly<Record<string, string>> = (TABLE[side] as Record<string, Record<string, string>>)[from] ?? {}
    const step = happen()
    const to = row[event]
    if (to === undefined) {
      discards(step, 'EAP_UNEXPECTED')
      assert.equal(machine.state, from)
    } else {
      assert.notEqual(step.do, 'discard')
      assert.equal(machine.state, to)
      assert.equal(step.do === 'fail', to === 'failed')
      assert.equal(step.do === 'succeed', to === 'succeeded')
    }
  })
}

// The server. Each conversation is made anew, up to the state, with a peer of which the keys are known.

interface AtServer {
  readonly machine: GpskServer
  readonly gpsk2: Buffer
  readonly keys: GpskKeys
  /** Of the Response that is awaited. */
  readonly identifier: number
}

function serverIn(state: keyof typeof SERVER_TRANSITIONS, psk: Uint8Array = PSK): AtServer {
  const issued = { identifier: 7, idServer: Buffer.from('server'), randServer: Buffer.alloc(32, 2), csuiteList: [2, 1] }
  const machine = server({
    idServer: issued.idServer,
    random: () => issued.randServer,
    authorize: () => state !== 'sentFail',
  })
  const gpsk2 = sent(peer({ psk }).receive(writeGpsk1(issued), NOW))
  const keys = verifyGpsk2(parseGpsk2(gpsk2), psk, issued)
  if (state !== 'idle') machine.start(NOW)
  if (state === 'sentGpsk3' || state === 'succeeded' || state === 'sentFail') machine.receive(gpsk2, NOW)
  if (state === 'succeeded') machine.receive(writeGpsk4(8, keys), NOW)
  if (state === 'failed') machine.receive(nak(7, [0]), NOW)
  return { machine, gpsk2, keys, identifier: state === 'idle' || state === 'sentGpsk1' || state === 'failed' ? 7 : 8 }
}

const failed = (identifier: number) => ({ identifier, failureCode: FailureCode.AuthorizationFailure })

function again(packet: Buffer, identifier: number): Buffer {
  const copy = Buffer.from(packet)
  copy[1] = identifier
  return copy
}

const SERVER_EVENTS: Readonly<Record<string, (at: AtServer) => Step>> = {
  start: ({ machine }) => machine.start(NOW),
  gpsk2: ({ machine, gpsk2, identifier }) => machine.receive(again(gpsk2, identifier), NOW),
  gpsk4: ({ machine, keys, identifier }) => machine.receive(writeGpsk4(identifier, keys), NOW),
  nak: ({ machine, identifier }) => machine.receive(nak(identifier, [0]), NOW),
  fail: ({ machine, identifier }) => machine.receive(writeFail(Code.Response, failed(identifier)), NOW),
  protectedFail: ({ machine, keys, identifier }) =>
    machine.receive(writeProtectedFail(Code.Response, failed(identifier), keys), NOW),
  timeout: ({ machine, identifier }) => machine.receive(nak(identifier, [0]), LATE),
}

for (const state of Object.keys(SERVER_TRANSITIONS) as (keyof typeof SERVER_TRANSITIONS)[]) {
  for (const [event, happen] of Object.entries(SERVER_EVENTS)) {
    if (state === 'idle' && event === 'timeout') continue // no deadline before the start: the cell of `nak`
    const at = serverIn(state)
    walk('server', at.machine, state, event, () => happen(at))
  }
  const at = serverIn(state, Buffer.alloc(32))
  if (state === 'idle' || state === 'sentGpsk1') {
    walk('server', at.machine, state, 'refusal', () => at.machine.receive(at.gpsk2, NOW))
  }
}

// The peer, with a server that is only its functions.

interface AtPeer {
  readonly machine: GpskPeer
  readonly gpsk3: (identifier: number) => Buffer
  readonly keys: GpskKeys
  /** Of the last Request that was answered. */
  readonly identifier: number
}

const GPSK1 = { idServer: Buffer.from('server'), randServer: Buffer.alloc(32, 2), csuiteList: [2, 1] }

function peerIn(state: keyof typeof PEER_TRANSITIONS): AtPeer {
  const random = () => Buffer.alloc(32, 1)
  const issued = { ...GPSK1, identifier: 2 }
  const message = parseGpsk2(sent(peer({ random }).receive(writeGpsk1(issued), NOW)))
  const keys = verifyGpsk2(message, PSK, issued)
  const gpsk3 = (identifier: number) => again(writeGpsk3(message, keys), identifier)
  const machine = peer({ random })
  machine.receive(identityRequest(1), NOW)
  if (state === 'idle') return { machine, gpsk3, keys, identifier: 1 }
  machine.receive(writeGpsk1(issued), NOW)
  if (state === 'sentGpsk2') return { machine, gpsk3, keys, identifier: 2 }
  if (state === 'failed') machine.receive(failure(2), NOW)
  else machine.receive(state === 'refused' ? writeFail(Code.Request, failed(3)) : gpsk3(3), NOW)
  if (state === 'succeeded') machine.receive(success(3), NOW)
  return { machine, gpsk3, keys, identifier: state === 'failed' ? 2 : 3 }
}

const NEW = 200 // an identifier that no Request had before
const request = (type: number) => encodePacket({ code: Code.Request, identifier: NEW, type, data: Buffer.of(0) })

const PEER_EVENTS: Readonly<Record<string, (at: AtPeer) => Step>> = {
  identity: ({ machine }) => machine.receive(identityRequest(NEW), NOW),
  notification: ({ machine }) => machine.receive(request(Type.Notification), NOW),
  otherMethod: ({ machine }) => machine.receive(request(4), NOW),
  gpsk1: ({ machine }) => machine.receive(writeGpsk1({ ...GPSK1, identifier: NEW }), NOW),
  refusal: ({ machine }) => machine.receive(writeGpsk1({ ...GPSK1, identifier: NEW, csuiteList: [9] }), NOW),
  gpsk3: ({ machine, gpsk3 }) => machine.receive(gpsk3(NEW), NOW),
  fail: ({ machine }) => machine.receive(writeFail(Code.Request, failed(NEW)), NOW),
  protectedFail: ({ machine, keys }) => machine.receive(writeProtectedFail(Code.Request, failed(NEW), keys), NOW),
  success: ({ machine, identifier }) => machine.receive(success(identifier), NOW),
  failure: ({ machine, identifier }) => machine.receive(failure(identifier), NOW),
  timeout: ({ machine }) => machine.receive(request(Type.Nak), LATE),
  // In no row of the table: a Request that can never be one, and OP-Codes that a peer never gets.
  nak: ({ machine }) => machine.receive(request(Type.Nak), NOW),
  unknownOpCode: ({ machine }) => machine.receive(request(Type.Gpsk), NOW),
}

for (const state of Object.keys(PEER_TRANSITIONS) as (keyof typeof PEER_TRANSITIONS)[]) {
  for (const [event, happen] of Object.entries(PEER_EVENTS)) {
    const at = peerIn(state)
    walk('peer', at.machine, state, event, () => happen(at))
  }
}

test('no event of the tables went untested', () => {
  const events = (table: object) => new Set(Object.values(table).flatMap((row) => Object.keys(row)))
  assert.deepEqual(
    events(SERVER_TRANSITIONS),
    new Set([...Object.keys(SERVER_EVENTS), 'refusal']).intersection(events(SERVER_TRANSITIONS)),
  )
  assert.deepEqual(events(PEER_TRANSITIONS).difference(new Set(Object.keys(PEER_EVENTS))).size, 0)
})

test('a forged GPSK-Protected-Fail changes nothing at the peer', () => {
  const { machine, gpsk3, keys } = peerIn('sentGpsk2')
  const forged = writeProtectedFail(Code.Request, failed(3), keys)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  discards(machine.receive(forged, NOW), 'EAP_BAD_MAC')
  assert.equal(machine.state, 'sentGpsk2')
  assert.equal(machine.receive(gpsk3(3), NOW).do, 'send')
})

test('a forged echo of GPSK-Protected-Fail is discarded by the server', () => {
  const { machine, keys } = serverIn('sentFail')
  const forged = writeProtectedFail(Code.Response, failed(8), keys)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  discards(machine.receive(forged, NOW), 'EAP_BAD_MAC')
  assert.equal(machine.state, 'sentFail')
})

test('GPSK-4 is awaited under the identifier after that of GPSK-2', () => {
  const { gpsk2, keys } = serverIn('sentGpsk1')
  assert.equal(awaitGpsk4(parseGpsk2(again(gpsk2, 255)), keys).identifier, 0)
})
