// The protocol craft: messages, their codec, the key schedule and identities. Bytes in, bytes out.

export * from './authentication.ts'
export { cddl } from './cddl.ts'
export { type ChallengeScope, checkRandServer, makeRandServer } from './challenge.ts'
export { decode, encode } from './codec.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export {
  checkRealm,
  gatewayIdentity,
  isName,
  isRealm,
  parseGatewayIdentity,
  parsePeerIdentity,
  peerIdentity,
} from './identity.ts'
export {
  deriveEuKey,
  deriveGatewayPsk,
  deriveGpskPsk,
  deriveLocalKey,
  derivePairingPsk,
  deriveSessionPsk,
  deriveTransientKey,
  revocationTag,
  transientKeyId,
} from './keys.ts'
export * from './limits.ts'
export * from './pairing.ts'
export { Case, type CaseName, KeyUsed, Result, resultName } from './results.ts'
export type { Field, Message, MessageOf } from './schema.ts'
export * from './session.ts'
export { formatTraceparent, parseTraceparent, type TraceContext } from './traceparent.ts'
export * from './upstream.ts'
export { formatPairingUri, type PairingTicket, parsePairingUri } from './uri.ts'
