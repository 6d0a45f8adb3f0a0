// Self-certifying RAND_Server (docs/protocol.md section 5.4): any replica that has the challenge key can tell whether,
// when and for which gateway it was issued, so no replica has to remember it. As SYN cookies do.

import { timingSafeEqual } from 'node:crypto'
import { hmacSha256 } from '@opencpns/hmac'
import { joinPrefixed, label } from './joined.ts'
import { CHALLENGE_LIFETIME_S, CHALLENGE_SKEW_S } from './limits.ts'

const TIME_OCTETS = 4
const RANDOM_OCTETS = 12
const MAC_OCTETS = 16
const PREFIX_OCTETS = TIME_OCTETS + RANDOM_OCTETS
const RAND_SERVER = label('rand server')

/** Whom a challenge is for, and the key, 32 octets, that all replicas of a server share. */
export interface ChallengeScope {
  readonly key: Uint8Array
  readonly gateway: string
}

/**
 * RAND_Server = time (4) || random (12) || HMAC-SHA-256(key, label, time || random, gateway)[0..15]: 32 octets.
 * @param timeS  seconds since the epoch
 * @param random 12 octets
 */
export function makeRandServer({ key, gateway }: ChallengeScope, timeS: number, random: Uint8Array): Buffer {
  const randServer = Buffer.alloc(PREFIX_OCTETS + MAC_OCTETS)
  randServer.writeUInt32BE(timeS)
  randServer.set(random, TIME_OCTETS)
  mac(key, gateway, randServer).copy(randServer, PREFIX_OCTETS)
  return randServer
}

/** Tells of 32 octets whether they are a challenge of ours for this gateway, and still young enough. */
export function checkRandServer(
  { key, gateway }: ChallengeScope,
  randServer: Uint8Array,
  nowS: number,
): 'valid' | 'expired' | 'forged' {
  const octets = Buffer.from(randServer.buffer, randServer.byteOffset, randServer.length)
  if (octets.length !== PREFIX_OCTETS + MAC_OCTETS) return 'forged'
  if (!timingSafeEqual(mac(key, gateway, octets), octets.subarray(PREFIX_OCTETS))) return 'forged'
  const ageS = nowS - octets.readUInt32BE()
  return ageS >= -CHALLENGE_SKEW_S && ageS <= CHALLENGE_LIFETIME_S ? 'valid' : 'expired'
}

function mac(key: Uint8Array, gateway: string, randServer: Buffer): Buffer {
  const input = joinPrefixed(RAND_SERVER, [randServer.subarray(0, PREFIX_OCTETS), gateway])
  return hmacSha256(key, input).subarray(0, MAC_OCTETS)
}
