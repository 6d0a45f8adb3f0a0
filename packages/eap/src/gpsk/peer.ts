// The peer of EAP-GPSK as functions on messages: RFC 5433 section 10. peer-machine.ts drives them.
// Leaves out payloads: PD_Payload is sent empty, and ignored when it comes.

import { EapError, type EapErrorCode } from '../errors.ts'
import { Code } from '../packet.ts'
import { GpskKeys } from './keys.ts'
import { decodeProved, encodeMessage, type Gpsk1, gpsk2, gpsk3, gpsk4, isProved } from './messages.ts'

const NO_PAYLOAD = new Uint8Array(0)

/** What the peer says for itself: ID_Peer (1 to 253 octets), RAND_Peer (32) and the ciphersuite of its choice. */
interface Choice {
  readonly idPeer: Uint8Array
  readonly randPeer: Uint8Array
  readonly csuiteSel: number
}

/** What GPSK-3 must agree with. */
export interface Answered {
  readonly randPeer: Uint8Array
  readonly randServer: Uint8Array
  readonly idServer: Uint8Array
  readonly keys: GpskKeys
}

/**
 * GPSK-2, the Response to `gpsk1`, and what GPSK-3 is to be checked against (copies, no views).
 * @throws {EapError} EAP_UNSUPPORTED_CIPHERSUITE, EAP_WEAK_PSK
 */
export function writeGpsk2(gpsk1: Gpsk1, psk: Uint8Array, choice: Choice): { packet: Buffer; answered: Answered } {
  const message = { ...gpsk1, ...choice, pdPayload: NO_PAYLOAD }
  const keys = new GpskKeys(psk, message)
  return {
    packet: encodeMessage(gpsk2, Code.Response, message, keys),
    answered: {
      keys,
      randPeer: choice.randPeer,
      randServer: Buffer.from(gpsk1.randServer),
      idServer: Buffer.from(gpsk1.idServer),
    },
  }
}

/**
 * Checks GPSK-3 against what was said before, then its MAC: after it, the server is known to hold the PSK.
 * @returns its identifier, for GPSK-4
 * @throws {EapError} EAP_MALFORMED, EAP_UNEXPECTED, EAP_WRONG_RAND, EAP_WRONG_SERVER, EAP_DOWNGRADE, EAP_BAD_MAC: discard each
 */
export function verifyGpsk3(packet: Uint8Array, { keys, ...answered }: Answered): number {
  const { ciphersuite: suite } = keys
  const message = decodeProved(gpsk3, Code.Request, packet, () => suite)
  checkEcho(message.randPeer, answered.randPeer, 'EAP_WRONG_RAND', 'RAND_Peer of GPSK-3 is not that of GPSK-2')
  checkEcho(message.randServer, answered.randServer, 'EAP_WRONG_RAND', 'RAND_Server of GPSK-3 is not that of GPSK-1')
  checkEcho(message.idServer, answered.idServer, 'EAP_WRONG_SERVER', 'ID_Server of GPSK-3 is not that of GPSK-1')
  if (message.csuiteSel !== suite.id) {
    throw new EapError('EAP_DOWNGRADE', `Ciphersuite ${message.csuiteSel} of GPSK-3 is not the one that was chosen`)
  }
  if (!isProved(message, keys.skMac)) throw new EapError('EAP_BAD_MAC', 'The MAC of GPSK-3 is wrong')
  return message.identifier
}

function checkEcho(echo: Uint8Array, sent: Uint8Array, code: EapErrorCode, complaint: string): void {
  if (Buffer.compare(echo, sent) !== 0) throw new EapError(code, complaint)
}

/** GPSK-4, the Response to a GPSK-3 that was verified and had `identifier`. */
export function writeGpsk4(identifier: number, keys: GpskKeys): Buffer {
  return encodeMessage(gpsk4, Code.Response, { identifier, pdPayload: NO_PAYLOAD }, keys)
}
