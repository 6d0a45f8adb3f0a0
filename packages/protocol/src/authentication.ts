// Messages between PNE and PN GW, steps 1, 7 and 8, and the challenge between them: docs/protocol.md section 4.1.
// All but the last AuthenticationResponse travel in the clear and are bound to the session by the transcript hash.

import { eapPacket, identity, realm, secondSeed, sessionId, traceparent, version, versions } from './kinds.ts'
import { TRANSIENT_KEY_ID_OCTETS } from './limits.ts'
import { caseOf, result } from './results.ts'
import { bytes, field, type MessageOf, message, optional, text, uint } from './schema.ts'

const transientKeyId = bytes({ length: TRANSIENT_KEY_ID_OCTETS })

/**
 * Authentication Request, PNE to PN GW: step 1. `transientKeyId` names a TK that the PNE still holds; `traceparent` the trace
 * that the PNE records, and only where it does.
 */
export const AuthenticationRequest = message(1, 'AuthenticationRequest', {
  versions: field(1, versions),
  secondSeed: field(2, secondSeed),
  realm: field(3, realm),
  service: optional(4, text({ max: 64 })),
  transientKeyId: optional(5, transientKeyId),
  traceparent: optional(6, traceparent),
})
export type AuthenticationRequest = MessageOf<typeof AuthenticationRequest>

/** Challenge, PN GW to PNE: an EAP request of the method, EAP-GPSK's GPSK-1 (or, through RADIUS, GPSK-3). */
export const Challenge = message(2, 'Challenge', {
  version: field(1, version),
  gateway: field(2, identity),
  eap: field(3, eapPacket),
})
export type Challenge = MessageOf<typeof Challenge>

/** Challenge Answer, PNE to PN GW: the EAP response to a Challenge. */
export const ChallengeAnswer = message(3, 'ChallengeAnswer', {
  eap: field(1, eapPacket),
})
export type ChallengeAnswer = MessageOf<typeof ChallengeAnswer>

/** Session Offer, PN GW to PNE: step 7 begins. `eap` is GPSK-3 where the PNE has not had it yet. */
export const SessionOffer = message(4, 'SessionOffer', {
  version: field(1, version),
  gateway: field(2, identity),
  sessionId: field(3, sessionId),
  case: field(4, caseOf),
  eap: optional(5, eapPacket),
  transientKeyId: optional(6, transientKeyId),
})
export type SessionOffer = MessageOf<typeof SessionOffer>

/**
 * Authentication Response, PN GW to PNE: step 8 inside TLS, or a refusal in the clear, where `success` is not allowed.
 * `lifetimeS`: seconds that the TK may serve further sessions at this gateway. `versions`: with unsupportedVersion.
 */
export const AuthenticationResponse = message(5, 'AuthenticationResponse', {
  result: field(1, result),
  lifetimeS: optional(2, uint({ max: 0xffffffff })),
  versions: optional(3, versions),
})
export type AuthenticationResponse = MessageOf<typeof AuthenticationResponse>
