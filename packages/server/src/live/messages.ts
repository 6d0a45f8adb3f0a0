// What goes from replica to replica so that an operator sees all of them at any: small, and JSON as it is. What is counted is
// exact; of authentications only so many are told as a person could look at.
import type { EventRow } from '../store/contract.ts'
import type { StepDelta } from './step-times.ts'

/** A PNE was registered in the PN of a gateway, or is no more. */
export interface RegistrationChange {
  readonly pne: string
  readonly gateway: string
  readonly kind: 'began' | 'ended'
}

/** The link of a gateway came or went. */
export interface LinkChange {
  readonly identity: string
  readonly connected: boolean
  /** ms since the epoch */
  readonly at: number
}

/** A change that an operator asked for, as the audit log has it. */
interface OperatorChange {
  readonly type: 'audit'
  /** Of its line in the audit log. */
  readonly id: number
  readonly at: number
  readonly actor: string
  readonly role: string
  readonly action: string
  readonly target: string | null
  readonly outcome: string | null
}

/** What happened to the key of a PNE. */
export interface DeviceChange {
  readonly type: 'assignment' | 'confirmation' | 'rotation' | 'revocation'
  /** Of its line in the event log. */
  readonly id: number
  readonly at: number
  readonly result: string
  readonly reason: string | null
  readonly pne: string | null
  readonly gateway: string | null
  readonly user: string | null
  /** Id of the pairing ticket, base64url of 16 octets. */
  readonly ticket: string | null
}

export type Change = OperatorChange | DeviceChange

/** A pairing ticket that an operator had made. Without its secret. */
export interface Ticket {
  readonly ticket: string
  readonly gateway: string
  /** ms since the epoch */
  readonly expires: number
}

export type LiveMessage =
  /** A line of the log about an authentication: {@link assemble} puts them together. */
  | { readonly kind: 'authentication'; readonly row: EventRow }
  | { readonly kind: 'registration'; readonly registration: RegistrationChange }
  | { readonly kind: 'link'; readonly link: LinkChange }
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'ticket'; readonly ticket: Ticket }
  /** What this replica counted in one whole second, in the order of `kinds`, and how long steps took. They add up. */
  | { readonly kind: 'second'; readonly at: number; readonly counts: readonly number[]; readonly steps: StepDelta }
