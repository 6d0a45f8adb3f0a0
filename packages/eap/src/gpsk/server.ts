// The server of EAP-GPSK as functions on messages: RFC 5433 section 10. Nothing is kept between them, so one server can
// finish what another began. server-machine.ts drives them where one process sees the whole conversation.
// Leaves out payloads: PD_Payload is sent empty, and ignored when it comes.

import { randomBytes } from 'node:crypto'
import { EapError, FailureCode } from '../errors.ts'
import { Code, nextIdentifier } from '../packet.ts'
import type { AwaitedGpsk4 } from './awaited.ts'
import { ciphersuite } from './ciphersuite.ts'
import { GpskKeys } from './keys.ts'
import {
  decodePlain,
  decodeProved,
  encodeMessage,
  type Gpsk1,
  type Gpsk2,
  gpsk1,
  gpsk2,
  gpsk3,
  gpsk4,
  isProved,
} from './messages.ts'

const NO_PAYLOAD = new Uint8Array(0)

/** Stands in for the PSK of an unknown peer. Nobody knows it, and as long as a real one it costs the same. */
const DUMMY_PSK = randomBytes(32)

/**
 * GPSK-1, a Request.
 * @param message `idServer` 1 to 253 octets, `randServer` 32, `csuiteList` 1 to 16 ciphersuites, best first
 * @throws {RangeError} a field out of its bounds: a caller's bug
 */
export function writeGpsk1(message: Gpsk1): Buffer {
  return encodeMessage(gpsk1, Code.Request, message)
}

/**
 * Decodes GPSK-1: for the peer, or for a server that gets its own GPSK-1 back and needs what it had issued.
 * @throws {EapError} EAP_MALFORMED, EAP_UNEXPECTED
 */
export function parseGpsk1(packet: Uint8Array): Gpsk1 {
  return decodePlain(gpsk1, Code.Request, packet)
}

/**
 * Decodes GPSK-2 without any proof: its `idPeer` serves to look the PSK up. All octets are views of `packet`.
 * @throws {EapError} EAP_MALFORMED; EAP_UNEXPECTED; EAP_UNSUPPORTED_CIPHERSUITE: CSuite_Sel is none of ours. Discard each.
 */
export function parseGpsk2(packet: Uint8Array): Gpsk2 {
  return decodeProved(gpsk2, Code.Response, packet, ({ csuiteSel }) => ciphersuite(csuiteSel))
}

/**
 * Checks GPSK-2 against the GPSK-1 that the server issued, then its MAC, and gives the keys of the conversation.
 * An unknown peer (`psk` undefined) costs as much as a wrong key: the same work is done with a PSK that nobody knows. The look-up
 * and any derivation of a PSK are the caller's, who does well to make them cost the same too.
 * @param psk    KS octets or more, or undefined for an unknown peer
 * @param issued GPSK-1 as it was sent; the caller vouches for it
 * @throws {EapError} discard (`tell` undefined): EAP_UNEXPECTED (identifier), EAP_WRONG_SERVER, EAP_WRONG_RAND, EAP_DOWNGRADE;
 *   answer with GPSK-Fail (`tell` set, the same for all): EAP_BAD_MAC, EAP_UNKNOWN_PEER, EAP_WEAK_PSK
 */
export function verifyGpsk2(message: Gpsk2, psk: Uint8Array | undefined, issued: Gpsk1): GpskKeys {
  checkAnswers(message, issued)
  const keys = new GpskKeys(psk ?? DUMMY_PSK, message)
  const proved = isProved(message, keys.skMac)
  const tell = FailureCode.AuthenticationFailure
  if (psk === undefined) throw new EapError('EAP_UNKNOWN_PEER', 'There is no pre-shared key for this ID_Peer', { tell })
  if (!proved) throw new EapError('EAP_BAD_MAC', 'The MAC of GPSK-2 is wrong: the peer holds another key', { tell })
  return keys
}

function checkAnswers(message: Gpsk2, issued: Gpsk1): void {
  if (message.identifier !== issued.identifier) {
    throw new EapError('EAP_UNEXPECTED', `Identifier is ${message.identifier}, that of GPSK-1 was ${issued.identifier}`)
  }
  if (Buffer.compare(message.idServer, issued.idServer) !== 0) {
    throw new EapError('EAP_WRONG_SERVER', 'ID_Server of GPSK-2 is not that of GPSK-1')
  }
  if (Buffer.compare(message.randServer, issued.randServer) !== 0) {
    throw new EapError('EAP_WRONG_RAND', 'RAND_Server of GPSK-2 is not that of GPSK-1')
  }
  if (!sameList(message.csuiteList, issued.csuiteList)) {
    throw new EapError('EAP_DOWNGRADE', 'CSuite_List of GPSK-2 is not that of GPSK-1: somebody changed it on the way')
  }
  if (!issued.csuiteList.includes(message.csuiteSel)) {
    throw new EapError('EAP_DOWNGRADE', `Ciphersuite ${message.csuiteSel} was not offered`)
  }
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}

/** GPSK-3, a Request: the answer to a GPSK-2 that was verified. The same GPSK-2 always gets the same octets. */
export function writeGpsk3(answered: Gpsk2, keys: GpskKeys): Buffer {
  const { randPeer, randServer, idServer, csuiteSel } = answered
  const identifier = nextIdentifier(answered.identifier)
  const message = { identifier, randPeer, randServer, idServer, csuiteSel, pdPayload: NO_PAYLOAD }
  return encodeMessage(gpsk3, Code.Request, message, keys)
}

/**
 * Checks GPSK-4: after it, both sides know that the other one has the keys.
 * @throws {EapError} EAP_MALFORMED, EAP_UNEXPECTED, EAP_BAD_MAC: discard each, the right one may still come
 */
export function verifyGpsk4(packet: Uint8Array, awaited: AwaitedGpsk4): void {
  const { ciphersuite: suite, identifier, sk } = awaited
  const message = decodeProved(gpsk4, Code.Response, packet, () => suite)
  if (message.identifier !== identifier) {
    throw new EapError('EAP_UNEXPECTED', `Identifier is ${message.identifier}, that of GPSK-3 was ${identifier}`)
  }
  if (!isProved(message, suite.mac(sk))) throw new EapError('EAP_BAD_MAC', 'The MAC of GPSK-4 is wrong')
}
