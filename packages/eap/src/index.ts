// The EAP craft: packets, and EAP-GPSK as peer and server. Octets and the time in, octets and decisions out.

export { EapError, type EapErrorCode, FailureCode } from './errors.ts'
export {
  type AwaitedGpsk4,
  awaitGpsk4,
  decodeAwaitedGpsk4,
  encodeAwaitedGpsk4,
} from './gpsk/awaited.ts'
export { CIPHERSUITES, type Ciphersuite } from './gpsk/ciphersuite.ts'
export {
  type Failure,
  parseFail,
  parseProtectedFail,
  writeFail,
  writeProtectedFail,
} from './gpsk/failures.ts'
export { GpskKeys, type KeyInput } from './gpsk/keys.ts'
export { type Gpsk1, type Gpsk2, OpCode, opCodeOf, RAND_OCTETS } from './gpsk/messages.ts'
export { GpskPeer, type GpskPeerOptions } from './gpsk/peer-machine.ts'
export { parseGpsk1, parseGpsk2, verifyGpsk2, verifyGpsk4, writeGpsk1, writeGpsk3 } from './gpsk/server.ts'
export { GpskServer, type GpskServerOptions } from './gpsk/server-machine.ts'
export type { EapMethod, Step } from './method.ts'
export {
  Code,
  decodePacket,
  type EapPacket,
  encodePacket,
  failure,
  identityRequest,
  MAX_PACKET_OCTETS,
  nak,
  nextIdentifier,
  type ResultPacket,
  success,
  Type,
  type TypedPacket,
} from './packet.ts'
