// What the tests of this package share: the vectors, a whole conversation, and shorthand for refusals.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  EapError,
  type EapErrorCode,
  GpskPeer,
  type GpskPeerOptions,
  GpskServer,
  type GpskServerOptions,
  type Step,
} from '../src/index.ts'

export interface Vector {
  readonly source: string
  readonly ciphersuite: number
  readonly hex: Readonly<Record<string, string | undefined>>
  readonly idPeer: string
  readonly idServer: string
  octets(name: string): Buffer
}

/** docs/vectors/eap-gpsk.json: made by hostapd and eapol_test. */
export const vectors: readonly Vector[] = (
  JSON.parse(readFileSync(new URL('../../../docs/vectors/eap-gpsk.json', import.meta.url), 'utf8')) as (Record<
    string,
    string
  > & {
    ciphersuite: number
  })[]
).map((hex) => ({
  hex,
  source: hex['source'] ?? '',
  ciphersuite: hex.ciphersuite,
  idPeer: hex['id_peer'] ?? '',
  idServer: hex['id_server'] ?? '',
  octets: (name) => Buffer.from(hex[name] ?? assert.fail(`the vector has no ${name}`), 'hex'),
}))

export const NOW = 1_700_000_000_000
export const PSK = Buffer.from('a pre-shared key of 32 octets...')
export const ID_PEER = 'peer@example.org'
export const ID_SERVER = 'server@example.org'

export function peer(options: Partial<GpskPeerOptions> = {}): GpskPeer {
  return new GpskPeer({ idPeer: ID_PEER, psk: PSK, ...options })
}

/** A server that knows ID_PEER alone. */
export function server(options: Partial<GpskServerOptions> = {}): GpskServer {
  const findPsk = (idPeer: Uint8Array) => (Buffer.from(idPeer).toString() === ID_PEER ? PSK : undefined)
  return new GpskServer({ idServer: ID_SERVER, findPsk, identifier: 7, ...options })
}

/** The packet of a `send`, or the test fails. */
export function sent(step: Step): Buffer {
  assert.equal(step.do, 'send', `expected a packet to send, got ${step.do}: ${'error' in step ? step.error : ''}`)
  return step.do === 'send' ? step.packet : assert.fail()
}

export interface Outcome {
  readonly server: Step
  readonly peer: Step
  readonly packets: readonly Buffer[]
}

/** Carries packets between the two until one discards or both have ended; `change` is the attacker on the way. */
export function converse(
  aServer: GpskServer,
  aPeer: GpskPeer,
  change = (packet: Buffer, _number: number) => packet,
): Outcome {
  const packets: Buffer[] = []
  let ofServer = aServer.start(NOW)
  let ofPeer: Step | undefined
  while ('packet' in ofServer && ofServer.packet !== undefined) {
    ofPeer = aPeer.receive(change(ofServer.packet, packets.push(ofServer.packet)), NOW)
    if (ofPeer.do !== 'send') break
    ofServer = aServer.receive(change(ofPeer.packet, packets.push(ofPeer.packet)), NOW)
  }
  return { server: ofServer, peer: ofPeer ?? assert.fail('the peer got nothing'), packets }
}

/** For assert.throws: an EapError with this code and this `tell`. */
export function eapError(code: EapErrorCode, tell?: number) {
  return (error: unknown) => error instanceof EapError && error.code === code && error.tell === tell
}

export function discards(step: Step, code: EapErrorCode): void {
  assert.equal(step.do, 'discard')
  assert.equal(step.do === 'discard' && step.error.code, code)
}

export function fails(step: Step, code: EapErrorCode): EapError {
  assert.equal(step.do, 'fail')
  const error = step.do === 'fail' ? step.error : assert.fail()
  assert.equal(error.code, code)
  return error
}

/** A copy of `octets` with one bit of one octet flipped. */
export function flip(octets: Uint8Array, at: number, bit = at % 8): Buffer {
  const copy = Buffer.from(octets)
  copy[at] = (copy[at] ?? 0) ^ (1 << bit)
  return copy
}

/** The first `length` octets, with a Length field that says so: only the codec of the method can notice. */
export function cut(packet: Uint8Array, length: number): Buffer {
  const copy = Buffer.from(packet.subarray(0, length))
  if (length >= 4) copy.writeUInt16BE(length, 2)
  return copy
}
