// What the admin API gives, as far as the console reads it. Times are ISO 8601 in UTC.
import type { Authentication } from '../logic/authentication.ts'

export type { Authentication } from '../logic/authentication.ts'

export type Role = 'viewer' | 'operator' | 'admin'

export interface Session {
  readonly name: string
  readonly role: Role
  readonly realm: string
  readonly expires: string | null
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

interface ByCase {
  readonly accepted: number
  readonly refused: number
}

/** What happened in one whole second. */
export interface Second {
  readonly at: string
  readonly local: ByCase
  readonly remote: ByCase
  /** Refused before it was known which case it is. */
  readonly undecided: number
}

/** A second, and how things stand at its end. */
export interface LiveSecond extends Second {
  readonly registered: number
  readonly connected: number
}

export interface StepTiming {
  readonly step: number
  readonly name: string
  readonly count: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

export interface RecentRefusal {
  readonly id: number
  readonly at: string
  readonly case: 'local' | 'remote' | null
  readonly gateway: string
  readonly pne: string | null
  readonly pneName: string | null
  readonly reason: string | null
  readonly session: string | null
}

export interface Overview {
  readonly at: string
  readonly rates: { readonly windowS: number; readonly perSecond: readonly Second[] }
  readonly steps: readonly StepTiming[]
  readonly gateways: { readonly connected: number; readonly disconnected: number; readonly revoked: number }
  readonly pnes: PnesByState
  readonly registered: number
  readonly refusals: readonly RecentRefusal[]
}

interface PnesByState {
  readonly pending: number
  readonly active: number
  readonly revoked: number
}

export interface Authentications {
  readonly items: readonly Authentication[]
}

export type PneState = 'pending' | 'active' | 'revoked'

export interface Pne {
  readonly id: string
  readonly name: string | null
  readonly state: PneState
  readonly user: string
  readonly generation: number
  readonly keyCreated: string
  readonly gateway: string
  readonly created: string
  readonly confirmed: string | null
  readonly revoked: string | null
}

export interface Key {
  readonly generation: number
  readonly state: PneState | 'retired'
  readonly created: string
  readonly confirmed: string | null
  readonly retired: string | null
  readonly gateway: string
}

/** A PNE that is registered: present in a personal network. */
export interface Registration {
  readonly session: string
  readonly pne: string
  readonly name: string | null
  readonly user: string
  readonly gateway: string
  readonly case: string
  readonly since: string
}

export interface PneDetails extends Pne {
  readonly keys: readonly Key[]
  readonly registered: Registration | null
}

export interface Gateway {
  readonly identity: string
  readonly kind: 'cpns' | 'radius'
  readonly radius: string | null
  readonly visitors: boolean
  readonly user: string
  readonly created: string
  readonly revoked: string | null
  /** null: a RADIUS client has no link. */
  readonly connected: boolean | null
  readonly connectedSince: string | null
  readonly registered: number
}

/** What a new gateway proves itself with: told this once. */
export interface Credential {
  readonly name: string
  readonly identity: string
  readonly kind: 'cpns' | 'radius'
  readonly radius: string | null
  readonly secret: string
  readonly realm: string
}

export interface User {
  readonly name: string
  readonly generation: number
  readonly created: string
  readonly removed: string | null
}

export type Roaming = 'any' | 'listed' | 'none'

export interface Policy {
  readonly roaming: Roaming
  readonly gateways: readonly string[]
  readonly sessionsMax: number | null
}

interface Generation {
  readonly generation: number
  readonly created: string
  readonly retired: boolean
  readonly keys: number
}

export interface UserDetails extends User {
  readonly generations: readonly Generation[]
  readonly policy: Policy
  readonly pnes: PnesByState
}

/** What the removal of a user took with it. */
export interface Removal {
  readonly name: string
  readonly pnes: number
  readonly gateways: readonly string[]
}

/** A personal network. */
export interface Network {
  readonly gateway: string
  readonly user: string
  readonly visitors: boolean
  readonly registered: number
}

export interface Event {
  readonly id: number
  readonly at: string
  readonly type: string
  readonly result: string
  readonly reason: string | null
  readonly pne: string | null
  readonly gateway: string | null
  readonly user: string | null
  readonly case: string | null
  readonly ms: number | null
}

export interface Ticket {
  readonly uri: string
  readonly expires: string
  readonly ticket: string
}

export interface TicketState {
  readonly ticket: string
  readonly state: 'open' | 'used' | 'expired'
  readonly pne: string | null
}

export interface AuditRow {
  readonly id: number
  readonly at: string
  readonly actor: string
  readonly role: Role
  readonly action: string
  readonly target: string | null
  readonly facts: unknown
  readonly from: string
  readonly outcome: string | null
}

export interface Token {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly created: string
  readonly createdBy: string
  readonly expires: string | null
  readonly revoked: string | null
  readonly used: string | null
}

export interface NewToken extends Token {
  readonly token: string
}

/** What the stream tells besides authentications. */
export interface RegistrationChange {
  readonly pne: string
  readonly name: string | null
  readonly gateway: string
  readonly kind: 'began' | 'ended'
  readonly registered: number
}

export interface GatewayChange {
  readonly identity: string
  readonly connected: boolean
  readonly at: string
}

/** A row of the audit log, or what happened to a device. */
export interface Change {
  readonly type?: string
  readonly action?: string
  readonly pne?: string | null
  readonly gateway?: string | null
  readonly ticket?: string
}
