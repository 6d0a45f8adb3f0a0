// Kinds of fields that several families of messages share.

import {
  EAP_PACKET_MAX_OCTETS,
  IDENTITY_MAX_OCTETS,
  REALM_MAX_OCTETS,
  SEED_OCTETS,
  SESSION_ID_OCTETS,
} from './limits.ts'
import { bytes, list, text, uint } from './schema.ts'

export const version = uint({ min: 1, max: 255 })
export const versions = list(version, { min: 1, max: 8 })
export const eapPacket = bytes({ min: 4, max: EAP_PACKET_MAX_OCTETS })
export const identity = text({ min: 3, max: IDENTITY_MAX_OCTETS })
export const realm = text({ max: REALM_MAX_OCTETS })
export const secondSeed = bytes({ length: SEED_OCTETS })
export const sessionId = bytes({ length: SESSION_ID_OCTETS })
export const pneId = text({ max: 64 })
