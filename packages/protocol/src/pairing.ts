// Messages of pairing, PNE and PN GW: docs/protocol.md section 4.3. The first two travel in the clear, the rest in TLS
// under the ticket's secret. A refusal in the clear is a PairingResponse.

import { identity, pneId, realm, secondSeed, sessionId, version, versions } from './kinds.ts'
import { KEY_OCTETS, SEED_OCTETS, TICKET_ID_OCTETS } from './limits.ts'
import { result } from './results.ts'
import { bytes, field, type MessageOf, message, optional } from './schema.ts'

export const PairingRequest = message(16, 'PairingRequest', {
  versions: field(1, versions),
  ticketId: field(2, bytes({ length: TICKET_ID_OCTETS })),
})
export type PairingRequest = MessageOf<typeof PairingRequest>

/** Answers any ticket, known or not: that the ticket is unknown shows only in the failing TLS handshake. */
export const PairingOffer = message(17, 'PairingOffer', {
  version: field(1, version),
  gateway: field(2, identity),
  sessionId: field(3, sessionId),
})
export type PairingOffer = MessageOf<typeof PairingOffer>

/** The end of pairing inside TLS, or a refusal. */
export const PairingResponse = message(18, 'PairingResponse', {
  result: field(1, result),
  versions: optional(2, versions),
})
export type PairingResponse = MessageOf<typeof PairingResponse>

/** `deviceNonce`: made by the PNE and stored before it is sent; the same in every attempt of that PNE with a ticket. */
export const AssignmentRequest = message(19, 'AssignmentRequest', {
  deviceNonce: field(1, bytes({ length: SEED_OCTETS })),
})
export type AssignmentRequest = MessageOf<typeof AssignmentRequest>

export const Assignment = message(20, 'Assignment', {
  pneId: field(1, pneId),
  realm: field(2, realm),
  secondSeed: field(3, secondSeed),
  euKey: field(4, bytes({ length: KEY_OCTETS })),
})
export type Assignment = MessageOf<typeof Assignment>

/** Sent once the credential is on the PNE's disk. */
export const AssignmentConfirmation = message(21, 'AssignmentConfirmation', {})
