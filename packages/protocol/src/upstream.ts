// Messages between PN GW and CPNS Server, steps 3 to 6 and key assignment: docs/protocol.md section 4.4. Hello and
// HelloOffer travel in the clear, the rest in TLS. Requests carry an id of the gateway's; answers come in any order.

import {
  eapPacket,
  identity,
  pneId,
  realm,
  reason,
  secondSeed,
  sessionId,
  traceparent,
  version,
  versions,
} from './kinds.ts'
import {
  AUTHENTICATIONS_MAX,
  CHALLENGES_MAX,
  KEY_OCTETS,
  PAIRING_URI_MAX_CHARACTERS,
  REGISTRATIONS_MAX,
  REPORT_MAX_OCTETS,
  REVOCATIONS_MAX,
  TICKET_ID_OCTETS,
  TICKET_LIFETIME_MAX_S,
  TICKET_LIFETIME_MIN_S,
} from './limits.ts'
import { caseOf, keyUsed, result } from './results.ts'
import { bool, bytes, field, list, type MessageOf, message, oneOf, optional, text, uint } from './schema.ts'

const id = uint({ max: 0xffffffff })
const key = bytes({ length: KEY_OCTETS })
const user = text({ max: 64 })
const generation = uint({ min: 1, max: 0xffffffff })
const sessionsMax = uint({ min: 1, max: 65535 })
const sequence = uint({ max: Number.MAX_SAFE_INTEGER })
const count = uint({ max: 0xffffffff })
const report = bytes({ min: 1, max: REPORT_MAX_OCTETS })
const ticketId = bytes({ length: TICKET_ID_OCTETS })

export const Hello = message(32, 'Hello', {
  versions: field(1, versions),
  gateway: field(2, identity),
})
export type Hello = MessageOf<typeof Hello>

export const HelloOffer = message(33, 'HelloOffer', {
  version: field(1, version),
  realm: field(2, realm),
  sessionId: field(3, sessionId),
})
export type HelloOffer = MessageOf<typeof HelloOffer>

/** The first message inside TLS, or a refusal in the clear. `revocations`: the newest number of the revocation log. */
export const HelloResponse = message(34, 'HelloResponse', {
  result: field(1, result),
  revocations: optional(2, sequence),
  versions: optional(3, versions),
})
export type HelloResponse = MessageOf<typeof HelloResponse>

export const ChallengeRequest = message(35, 'ChallengeRequest', {
  id: field(1, id),
  count: field(2, uint({ min: 1, max: CHALLENGES_MAX })),
})
export type ChallengeRequest = MessageOf<typeof ChallengeRequest>

/** `challenges`: GPSK-1 packets, each for one use within `lifetimeS` seconds. */
export const ChallengeResponse = message(36, 'ChallengeResponse', {
  id: field(1, id),
  result: field(2, result),
  challenges: optional(3, list(eapPacket, { max: CHALLENGES_MAX })),
  lifetimeS: optional(4, uint({ max: 86400 })),
})
export type ChallengeResponse = MessageOf<typeof ChallengeResponse>

/**
 * Authentication Request forwarded, step 3: `challenge` is the GPSK-1 that the PNE got, `eap` its GPSK-2. From version 2 on
 * `sessionId` is that of the session to be, which ties it to the AuthenticationReport, and `traceparent` names a trace.
 */
export const ForwardedRequest = message(37, 'ForwardedRequest', {
  id: field(1, id),
  secondSeed: field(2, secondSeed),
  challenge: field(3, eapPacket),
  eap: field(4, eapPacket),
  sessionId: optional(5, sessionId),
  traceparent: optional(6, traceparent),
})
export type ForwardedRequest = MessageOf<typeof ForwardedRequest>

/**
 * Authentication Response, step 6: on success GPSK-3, the TK and its lifetime, who the PNE is, and how many sessions it may
 * have at once (absent: as many as the gateway likes).
 */
export const ForwardedResponse = message(38, 'ForwardedResponse', {
  id: field(1, id),
  result: field(2, result),
  eap: optional(3, eapPacket),
  transientKey: optional(4, key),
  lifetimeS: optional(5, uint({ max: 0xffffffff })),
  pneId: optional(6, pneId),
  user: optional(7, user),
  sessionsMax: optional(8, sessionsMax),
})
export type ForwardedResponse = MessageOf<typeof ForwardedResponse>

/**
 * Key assignment: the gateway made the 2nd seed. Asked again with the same one, the answer is the same. With `replaces` it is
 * a further key of the PNE that has that 2nd seed (rotation), otherwise the key of a new PNE. `ticketId`, from version 2 on:
 * of the pairing ticket that the PNE came with.
 */
export const KeyAssignmentRequest = message(39, 'KeyAssignmentRequest', {
  id: field(1, id),
  secondSeed: field(2, secondSeed),
  name: optional(3, text({ max: 64 })),
  replaces: optional(4, secondSeed),
  ticketId: optional(5, ticketId),
})
export type KeyAssignmentRequest = MessageOf<typeof KeyAssignmentRequest>

export const KeyAssignmentResponse = message(40, 'KeyAssignmentResponse', {
  id: field(1, id),
  result: field(2, result),
  euKey: optional(3, key),
  pneId: optional(4, pneId),
  user: optional(5, user),
  generation: optional(6, generation),
})
export type KeyAssignmentResponse = MessageOf<typeof KeyAssignmentResponse>

/** The PNE has stored its credential: from now on the server authenticates it. `ticketId` as in KeyAssignmentRequest. */
export const KeyConfirmationRequest = message(41, 'KeyConfirmationRequest', {
  id: field(1, id),
  secondSeed: field(2, secondSeed),
  ticketId: optional(3, ticketId),
})
export type KeyConfirmationRequest = MessageOf<typeof KeyConfirmationRequest>

export const KeyConfirmationResponse = message(42, 'KeyConfirmationResponse', {
  id: field(1, id),
  result: field(2, result),
})
export type KeyConfirmationResponse = MessageOf<typeof KeyConfirmationResponse>

/** What was revoked after number `since` of the revocation log. */
export const RevocationsRequest = message(43, 'RevocationsRequest', {
  id: field(1, id),
  since: field(2, sequence),
})
export type RevocationsRequest = MessageOf<typeof RevocationsRequest>

/** `tags`: revocation tags up to number `upTo`; `more`: ask again from there. */
export const RevocationsResponse = message(44, 'RevocationsResponse', {
  id: field(1, id),
  result: field(2, result),
  tags: optional(3, list(key, { max: REVOCATIONS_MAX })),
  upTo: optional(4, sequence),
  more: optional(5, bool),
})
export type RevocationsResponse = MessageOf<typeof RevocationsResponse>

/** CPNS Server to PN GW, unasked: the revocation log has grown to `upTo`. */
export const RevocationNotice = message(45, 'RevocationNotice', {
  upTo: field(1, sequence),
})
export type RevocationNotice = MessageOf<typeof RevocationNotice>

/** The PNE has authenticated with the key that replaces this one: from now on this one is refused. Repeating is harmless. */
export const KeyRetirementRequest = message(46, 'KeyRetirementRequest', {
  id: field(1, id),
  secondSeed: field(2, secondSeed),
})
export type KeyRetirementRequest = MessageOf<typeof KeyRetirementRequest>

export const KeyRetirementResponse = message(47, 'KeyRetirementResponse', {
  id: field(1, id),
  result: field(2, result),
})
export type KeyRetirementResponse = MessageOf<typeof KeyRetirementResponse>

/**
 * Presence in the PN of this gateway, in the order in which it happened: `reports` are encoded RegistrationReports, numbered
 * from `first` on. The server counts each number once.
 */
export const RegistrationsRequest = message(48, 'RegistrationsRequest', {
  id: field(1, id),
  first: field(2, sequence),
  reports: field(3, list(report, { min: 1, max: REGISTRATIONS_MAX })),
})
export type RegistrationsRequest = MessageOf<typeof RegistrationsRequest>

/** `upTo`: the newest number that is durable at the server; what came before need not be sent again. */
export const RegistrationsResponse = message(49, 'RegistrationsResponse', {
  id: field(1, id),
  result: field(2, result),
  upTo: optional(3, sequence),
})
export type RegistrationsResponse = MessageOf<typeof RegistrationsResponse>

export const RegistrationKind = { began: 0, ended: 1 } as const
export type RegistrationKind = (typeof RegistrationKind)[keyof typeof RegistrationKind]

/** Inside RegistrationsRequest: a presence session began, or ended. `atMs`: milliseconds since the epoch, by the gateway. */
export const RegistrationReport = message(50, 'RegistrationReport', {
  kind: field(1, oneOf(RegistrationKind, 'registration-kind')),
  sessionId: field(2, sessionId),
  secondSeed: field(3, secondSeed),
  atMs: field(4, sequence),
  case: field(5, caseOf),
})
export type RegistrationReport = MessageOf<typeof RegistrationReport>

/**
 * CPNS Server to PN GW, unasked, after HelloResponse and at each change: what this gateway must hold to. `generation`: that
 * of the newest 1st seed of its user (older keys are to be rotated); `visitors`: whether it may take PNEs in the remote case;
 * `sessionsMax`: of each PNE of its user at once (absent: as many as it likes).
 */
export const PolicyNotice = message(51, 'PolicyNotice', {
  generation: field(1, generation),
  visitors: field(2, bool),
  sessionsMax: optional(3, sessionsMax),
})
export type PolicyNotice = MessageOf<typeof PolicyNotice>

/**
 * PN GW to CPNS Server, unasked, from version 2 on: the authentications of the last `spanMs` milliseconds, counted; and, as
 * encoded AuthenticationReports, some of them one by one. `undecided`: refused before it was known which case it is.
 * `untold`: those counted here that are not among `reports`.
 */
export const AuthenticationsReport = message(52, 'AuthenticationsReport', {
  spanMs: field(1, count),
  localAccepted: field(2, count),
  localRefused: field(3, count),
  remoteAccepted: field(4, count),
  remoteRefused: field(5, count),
  undecided: field(6, count),
  untold: field(7, count),
  reports: field(8, list(report, { max: AUTHENTICATIONS_MAX })),
})
export type AuthenticationsReport = MessageOf<typeof AuthenticationsReport>

/**
 * Inside AuthenticationsReport: one authentication. `atUs`: microseconds since the epoch, by the gateway, of step 1; the steps
 * that were reached, in microseconds after that. `sessionId` is that of the ForwardedRequest and of the session.
 */
export const AuthenticationReport = message(53, 'AuthenticationReport', {
  sessionId: field(1, sessionId),
  result: field(2, result),
  atUs: field(3, sequence),
  serverRoundTrips: field(4, uint({ max: 255 })),
  case: optional(5, caseOf),
  reason: optional(6, reason),
  keyUsed: optional(7, keyUsed),
  pneId: optional(8, pneId),
  step2Us: optional(9, count),
  step3Us: optional(10, count),
  step6Us: optional(11, count),
  step7Us: optional(12, count),
  step8Us: optional(13, count),
})
export type AuthenticationReport = MessageOf<typeof AuthenticationReport>

/** CPNS Server to PN GW, from version 2 on; `id` is one of the server's. The gateway makes a pairing ticket: section 4.3. */
export const TicketRequest = message(54, 'TicketRequest', {
  id: field(1, id),
  name: optional(2, text({ max: 64 })),
  lifetimeS: optional(3, uint({ min: TICKET_LIFETIME_MIN_S, max: TICKET_LIFETIME_MAX_S })),
})
export type TicketRequest = MessageOf<typeof TicketRequest>

/** PN GW to CPNS Server: on success the ticket's URI, which holds its secret, when it expires, and its id. */
export const TicketResponse = message(55, 'TicketResponse', {
  id: field(1, id),
  result: field(2, result),
  uri: optional(3, text({ max: PAIRING_URI_MAX_CHARACTERS })),
  expiresAtS: optional(4, sequence),
  ticketId: optional(5, ticketId),
})
export type TicketResponse = MessageOf<typeof TicketResponse>

/** CPNS Server to PN GW, unasked, from version 2 on: the key of this PNE is to be rotated at the next chance. */
export const RotationNotice = message(56, 'RotationNotice', {
  pneId: field(1, pneId),
})
export type RotationNotice = MessageOf<typeof RotationNotice>

/** CPNS Server to PN GW, unasked, from version 2 on: this server is about to end the link; what was asked before is answered. */
export const ClosingNotice = message(57, 'ClosingNotice', {})
export type ClosingNotice = MessageOf<typeof ClosingNotice>
