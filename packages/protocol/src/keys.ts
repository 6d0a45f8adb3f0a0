// The key schedule: docs/protocol.md section 5. HKDF-SHA-256 (RFC 5869); every label starts with `opencpns/1 `, every
// input is length-prefixed. Keys that are uniform already are expanded only (RFC 5869 section 3.3).

import { hash } from 'node:crypto'
import { hmacSha256 } from '@opencpns/hmac'
import { joinPrefixed, label } from './joined.ts'
import { TRANSIENT_KEY_ID_OCTETS } from './limits.ts'
import { Case } from './results.ts'

const EUKEY = label('eukey')
const GPSK_PSK = label('eap-gpsk psk')
const LOCAL_KEY = label('local session key')
const TRANSIENT_KEY = label('transient key')
const TRANSIENT_KEY_ID = label('transient key id')
const SESSION_PSK = label('session psk')
const PAIRING_PSK = label('pairing psk')
const GATEWAY_PSK = label('gateway psk')
const REVOCATION = label('revocation tag')

/**
 * EUKey = KDF(1st seed, 2nd seed), step 4: 32 octets, bound to the realm.
 * @param firstSeed  32 octets, the input keying material; known to the CPNS Server alone
 * @param secondSeed 32 octets, the salt; public, names the PNE
 */
export function deriveEuKey(of: { firstSeed: Uint8Array; secondSeed: Uint8Array; realm: string }): Buffer {
  const extracted = hmacSha256(of.secondSeed, of.firstSeed)
  return expand(extracted, EUKEY, of.realm)
}

/** The PSK of EAP-GPSK, step 5: 32 octets. Serves no other protocol (RFC 9257). */
export function deriveGpskPsk(euKey: Uint8Array): Buffer {
  return expand(euKey, GPSK_PSK)
}

/** The key that step 7 starts from in the local case: 32 octets. */
export function deriveLocalKey(euKey: Uint8Array): Buffer {
  return expand(euKey, LOCAL_KEY)
}

/**
 * The transient key, TK: 32 octets from the MSK of EAP-GPSK, bound to the gateway.
 * @param msk     64 octets
 * @param gateway identity of the gateway: as the server authenticated it, or as it named itself to the PNE
 */
export function deriveTransientKey(of: { msk: Uint8Array; gateway: string }): Buffer {
  return expand(of.msk, TRANSIENT_KEY, of.gateway)
}

/** The public name of a TK: 16 octets. */
export function transientKeyId(transientKey: Uint8Array): Buffer {
  return expand(transientKey, TRANSIENT_KEY_ID).subarray(0, TRANSIENT_KEY_ID_OCTETS)
}

/**
 * The TLS external PSK of step 7: 32 octets.
 * @param key            the local session key (local case) or the TK (remote case), 32 octets
 * @param sessionId      16 octets, chosen by the gateway
 * @param transcriptHash 32 octets: SHA-256 of every frame in the clear, both ways
 */
export function deriveSessionPsk(of: {
  key: Uint8Array
  case: Case
  gateway: string
  sessionId: Uint8Array
  transcriptHash: Uint8Array
}): Buffer {
  const caseName = of.case === Case.local ? 'local' : 'remote'
  return expand(of.key, SESSION_PSK, caseName, of.gateway, of.sessionId, of.transcriptHash)
}

/** The TLS external PSK of pairing: 32 octets from the ticket's one-time secret (16 octets or more). */
export function derivePairingPsk(of: { secret: Uint8Array; gateway: string; transcriptHash: Uint8Array }): Buffer {
  return expand(of.secret, PAIRING_PSK, of.gateway, of.transcriptHash)
}

/** The TLS external PSK between PN GW and CPNS Server: 32 octets from the gateway's secret of 32. */
export function deriveGatewayPsk(of: { secret: Uint8Array; gateway: string; transcriptHash: Uint8Array }): Buffer {
  return expand(of.secret, GATEWAY_PSK, of.gateway, of.transcriptHash)
}

/** Names a revoked PNE to those who know its 2nd seed, and to nobody else: 32 octets. */
export function revocationTag(secondSeed: Uint8Array): Buffer {
  return hash('sha256', joinPrefixed(REVOCATION, [secondSeed]), 'buffer')
}

/** HKDF-Expand for one block of output: HMAC-SHA-256(key, info || 0x01), info = label and inputs, length-prefixed. */
function expand(key: Uint8Array, label: Buffer, ...inputs: (string | Uint8Array)[]): Buffer {
  const info = joinPrefixed(label, inputs, 1)
  info[info.length - 1] = 1
  return hmacSha256(key, info)
}
