// Kinds of fields that several families of messages share.

import {
  EAP_PACKET_MAX_OCTETS,
  IDENTITY_MAX_OCTETS,
  REALM_MAX_OCTETS,
  SEED_OCTETS,
  SESSION_ID_OCTETS,
} from './limits.ts'
import { bytes, list, pattern, text, uint } from './schema.ts'

export const version = uint({ min: 1, max: 255 })
export const versions = list(version, { min: 1, max: 8 })
export const eapPacket = bytes({ min: 4, max: EAP_PACKET_MAX_OCTETS })
export const identity = text({ min: 3, max: IDENTITY_MAX_OCTETS })
export const realm = text({ max: REALM_MAX_OCTETS })
export const secondSeed = bytes({ length: SEED_OCTETS })
export const sessionId = bytes({ length: SESSION_ID_OCTETS })
export const pneId = text({ max: 64 })
/** Why something was refused: a word of the program, for the operator. */
export const reason = pattern('reason', /^[a-z0-9-]{1,64}$/)
/** W3C Trace Context, version 00: trace id, parent id, flags. It names a trace, and nothing is ever decided by it. */
export const traceparent = pattern('traceparent', /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
