// GPSK-Fail and GPSK-Protected-Fail: RFC 5433 sections 9.2 and 10. The server sends one as a Request, the peer replays it as a
// Response, and the server ends with EAP-Failure. GPSK-Fail is in the clear: a hint, as anybody can send one.

import { EapError, FailureCode } from '../errors.ts'
import type { TypedPacket } from '../packet.ts'
import type { GpskKeys } from './keys.ts'
import { decodePlain, decodeProved, encodeMessage, fail, isProved, protectedFail } from './messages.ts'

/** A failure message: `identifier` of its EAP packet, and a Failure-Code, where those that we do not know are kept. */
export interface Failure {
  readonly identifier: number
  readonly failureCode: number
}

/** GPSK-Fail, as Request or Response. */
export function writeFail(code: TypedPacket['code'], failure: Failure): Buffer {
  return encodeMessage(fail, code, failure)
}

/** @throws {EapError} EAP_MALFORMED, EAP_UNEXPECTED */
export function parseFail(code: TypedPacket['code'], packet: Uint8Array): Failure {
  return decodePlain(fail, code, packet)
}

/** GPSK-Protected-Fail, as Request or Response. */
export function writeProtectedFail(code: TypedPacket['code'], failure: Failure, keys: GpskKeys): Buffer {
  return encodeMessage(protectedFail, code, failure, keys)
}

/** @throws {EapError} EAP_MALFORMED, EAP_UNEXPECTED, EAP_BAD_MAC */
export function parseProtectedFail(code: TypedPacket['code'], packet: Uint8Array, keys: GpskKeys): Failure {
  const message = decodeProved(protectedFail, code, packet, () => keys.ciphersuite)
  if (!isProved(message, keys.skMac)) {
    throw new EapError('EAP_BAD_MAC', 'The MAC of GPSK-Protected-Fail is wrong: somebody else sent it')
  }
  return { identifier: message.identifier, failureCode: message.failureCode }
}

/** EAP_REFUSED, in words, with the Failure-Code as `told`. */
export function refusedWith({ failureCode }: Failure): EapError {
  const names = Object.entries(FailureCode)
  const name = names.find(([, value]) => value === failureCode)?.[0] ?? 'unknown'
  return new EapError('EAP_REFUSED', `The server refused: Failure-Code ${failureCode} (${name})`, { told: failureCode })
}
