// Messages inside a session that names no service, the PNE's presence: docs/protocol.md section 4.2.

import { field, type MessageOf, message, oneOf } from './schema.ts'

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
