// Who says to be a PNE, and the proof of it: the heart of steps 4 and 5, which all doors share.

import { randomBytes } from 'node:crypto'
import { type Gpsk1, type Gpsk2, type GpskKeys, verifyGpsk2 } from '@opencpns/eap'
import { deriveEuKey, deriveGpskPsk, peerIdentity, Result } from '@opencpns/protocol'
import { Refusal } from './refusal.ts'
import type { Peer, Registry } from './registry.ts'

/** Stands in for the 1st seed of a PNE that does not exist, so that it costs as much as one with a wrong key. */
const DECOY_SEED = randomBytes(32)

export interface Claimant {
  /** The only ID_Peer that it may use. */
  readonly identity: string
  /** Undefined for a PNE that does not exist. */
  readonly peer: Peer | undefined
  /** The PSK of EAP-GPSK, 32 octets. */
  readonly psk: Uint8Array
}

/** Step 4: the EUKey, from the 2nd seed that the claimant sent and the 1st seed that we already have. */
export async function findClaimant(
  secondSeed: Uint8Array,
  { registry, realm }: { registry: Pick<Registry, 'findPeer'>; realm: string },
): Promise<Claimant> {
  const peer = await registry.findPeer(secondSeed)
  const euKey = deriveEuKey({ firstSeed: peer?.firstSeed ?? DECOY_SEED, secondSeed, realm })
  return { identity: peerIdentity(secondSeed, realm), peer, psk: deriveGpskPsk(euKey) }
}

/**
 * Step 5, as far as GPSK-2 proves it. Whether the PNE exists, and may, is looked at only after the proof: a stranger must
 * not learn it from the time that it takes.
 * @throws {Refusal} @throws {EapError}
 */
export function verifyClaimant(
  { identity, peer, psk }: Claimant,
  gpsk2: Gpsk2,
  issued: Gpsk1,
): { peer: Peer; keys: GpskKeys } {
  const keys = verifyGpsk2(gpsk2, peer && psk, issued)
  if (Buffer.from(identity).compare(gpsk2.idPeer) !== 0) throw new Refusal('IDENTITY_MISMATCH')
  checkActive(peer)
  return { peer, keys }
}

/** @throws {Refusal} UNKNOWN_PNE, PNE_REVOKED, KEY_RETIRED, PNE_PENDING */
export function checkActive(peer: Peer | undefined): asserts peer is Peer {
  if (peer === undefined) throw new Refusal('UNKNOWN_PNE')
  if (peer.state === 'revoked') throw new Refusal('PNE_REVOKED')
  if (peer.state === 'retired') throw new Refusal('KEY_RETIRED')
  if (peer.state !== 'active') throw new Refusal('PNE_PENDING')
}

/**
 * Whether a PNE that has proved itself may be in the remote case at this gateway: docs/protocol.md section 4.4, Policy.
 * @returns how many sessions it may have there at once; undefined for as many as the gateway likes
 * @throws {Refusal} GATEWAY_REVOKED, NO_VISITORS, ROAMING_NOT_ALLOWED
 */
export async function checkAdmitted(
  { userId }: Peer,
  gateway: string,
  { registry }: { registry: Pick<Registry, 'policies'> },
): Promise<number | undefined> {
  const admission = await registry.policies.admission(userId, gateway)
  if (!admission || admission.gatewayRevoked) throw new Refusal('GATEWAY_REVOKED', { result: Result.notPermitted })
  const { roaming, listed, visitors, sessionsMax } = admission
  if (!visitors) throw new Refusal('NO_VISITORS')
  if (roaming === 'none' || (roaming === 'listed' && !listed)) throw new Refusal('ROAMING_NOT_ALLOWED')
  return sessionsMax ?? undefined
}
