// Why a PNE is refused. It goes to the event log and the log; gateway and PNE learn only that it was.

import { EapError } from '@opencpns/eap'
import { Result } from '@opencpns/protocol'

/** Stable, for logs and events. */
export type RefusalReason =
  | 'CHALLENGE_EXPIRED' // older than five minutes
  | 'CHALLENGE_FORGED' // not one that we issued to this gateway
  | 'IDENTITY_MISMATCH' // ID_Peer is not that of the 2nd seed
  | 'UNKNOWN_PNE' // no PNE has this 2nd seed
  | 'PNE_PENDING' // its assignment was never confirmed
  | 'PNE_REVOKED' // it was revoked
  | 'KEY_RETIRED' // the PNE has a newer one, and has used it
  | 'ROAMING_NOT_ALLOWED' // by the user, at this gateway
  | 'NO_VISITORS' // at this gateway
  | 'GATEWAY_REVOKED' // since its link was made
  | RadiusRefusalReason
  | EapError['code']

/** What only a RADIUS client, or a device behind it, can get wrong. */
type RadiusRefusalReason =
  | 'EAP_MISSING' // an Access-Request without EAP-Message
  | 'EAP_METHOD_REFUSED' // the device has no EAP-GPSK
  | 'IDENTITY_INVALID' // User-Name is not an identity of a PNE of this realm
  | 'STATE_EXPIRED' // the conversation took longer than its State lives
  | 'STATE_FORGED' // missing, changed, or of another conversation

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly reason: RefusalReason
  readonly result: Result
  /** What the operator may do about it, where the reason does not tell. Never shown to gateway or PNE. */
  readonly detail: string | undefined

  constructor(reason: RefusalReason, { result, detail }: { result?: Result; detail?: string } = {}) {
    super(reason)
    this.reason = reason
    this.result = result ?? Result.authenticationFailed
    this.detail = detail
  }
}

/** A refusal as it is, a fault of the PNE as a refusal; anything else is a failure of ours, and thrown. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof EapError) return new Refusal(error.code === 'EAP_UNKNOWN_PEER' ? 'UNKNOWN_PNE' : error.code)
  throw error
}
