// Messages inside a session that names no service, the PNE's presence: docs/protocol.md section 4.2.

import { secondSeed } from './kinds.ts'
import { KEY_OCTETS } from './limits.ts'
import { bytes, field, type MessageOf, message, oneOf } from './schema.ts'

export const EndReason = { closing: 0, revoked: 1, replaced: 2 } as const
export type EndReason = (typeof EndReason)[keyof typeof EndReason]

/** Ping, either way: answered by a Pong. Also used between PN GW and CPNS Server. */
export const Ping = message(6, 'Ping', {})
export const Pong = message(7, 'Pong', {})

/** Session End, PN GW to PNE: why the gateway closes the session. */
export const SessionEnd = message(8, 'SessionEnd', {
  reason: field(1, oneOf(EndReason, 'end-reason')),
})
export type SessionEnd = MessageOf<typeof SessionEnd>

/** Rotation Request, PNE to PN GW: it wants a new 2nd seed and EUKey. In the local case only, as the three that follow. */
export const RotationRequest = message(9, 'RotationRequest', {})

/** Rotation Offer, PN GW to PNE: the new ones. The PNE stores them beside those that it has. */
export const RotationOffer = message(10, 'RotationOffer', {
  secondSeed: field(1, secondSeed),
  euKey: field(2, bytes({ length: KEY_OCTETS })),
})
export type RotationOffer = MessageOf<typeof RotationOffer>

/** Rotation Confirmation, PNE to PN GW: the new ones are on its disk. */
export const RotationConfirmation = message(11, 'RotationConfirmation', {
  secondSeed: field(1, secondSeed),
})
export type RotationConfirmation = MessageOf<typeof RotationConfirmation>

/** Rotation Done, PN GW to PNE: from now on the new ones authenticate too. */
export const RotationDone = message(12, 'RotationDone', {
  secondSeed: field(1, secondSeed),
})
export type RotationDone = MessageOf<typeof RotationDone>
