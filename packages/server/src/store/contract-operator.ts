// The part of the store contract that the operator's view stands on: tokens, the audit log, answers that are remembered for
// requests that come twice, links of gateways over all replicas, and the sealed values as a whole.

import type { Page, PageRequest, PneCounts } from './contract.ts'

/** What a token may do: see, see and act on devices, or everything. */
export type Role = 'viewer' | 'operator' | 'admin'

/** An operator's token without what proves it. Times here and below are in ms since the epoch. */
export interface TokenRow {
  /** 12 characters, shown in lists and in the audit log; proves nothing. */
  id: string
  name: string
  role: Role
  createdAt: number
  /** Name of the token by which it was made. */
  createdBy: string
  expiresAt: number | null
  revokedAt: number | null
  /** To the hour or so. */
  usedAt: number | null
}

export interface NewToken {
  id: string
  name: string
  role: Role
  /** SHA-256 of the token, 32 octets. */
  hash: Uint8Array
  createdAt: number
  createdBy: string
  expiresAt: number | null
}

/** A change that an operator asked for. It is written before the change is made, and its outcome after. Kept for ever. */
export interface AuditRow {
  id: number
  at: number
  /** Name of the token. */
  actor: string
  role: Role
  /** As `pne.revoke`, `user.add`, `gateway.policy`. */
  action: string
  /** Name of what was changed. */
  target: string | null
  /** Public facts of the change as JSON; no secret. */
  facts: string | null
  /** Address that the request came from. */
  from: string
  /** `done`, the code of the refusal, or null: it was asked for, and nobody knows whether it was done. */
  outcome: string | null
}

/** Conditions that all must hold. */
export interface AuditFilter {
  limit: number
  /** Only rows with an id below this one. */
  before?: number | undefined
  actor?: string | undefined
  action?: string | undefined
  target?: string | undefined
}

/** The first answer to a request with an idempotency key. */
export interface RememberedAnswer {
  /** SHA-256 of method, path and body, 32 octets: the same key must not be used for another request. */
  fingerprint: Uint8Array
  /** Status and body, sealed; null while the first request is under way. */
  sealedAnswer: Uint8Array | null
  at: number
}

/** A gateway that is connected to a replica. */
export interface LinkRow {
  gateway: string
  replica: string
  since: number
}

/** `at`: since when it is connected, or when it ceased to be. */
export interface LinkChange {
  gateway: string
  connected: boolean
  at: number
}

/** What there is. Of gateways, those that are not revoked, by what they speak. */
export interface Counts {
  users: number
  gateways: { cpns: number; radius: number; revoked: number }
  pnes: PneCounts
  registered: number
}

/**
 * A sealed value wherever it is kept: what a change of the master key must go through. `kind` and `place` are what it is
 * sealed to (purpose and row identity of the vault: `alice/2`, `home@example.org`), and tell it apart from all others.
 */
export interface SealedRow {
  kind: 'first-seed' | 'gateway-secret' | 'radius-secret'
  place: string
  sealed: Uint8Array
}

/** The operator's part of {@link Store}: what is said of that one holds here too. */
export interface OperatorStore {
  /** Rejects with `STORE_DUPLICATE` when a token with this name is not revoked. */
  addToken(token: NewToken): Promise<TokenRow>
  /** The token with this hash, 32 octets, revoked or expired or not. */
  findToken(hash: Uint8Array): Promise<TokenRow | undefined>
  findTokenById(id: string): Promise<TokenRow | undefined>
  /** Newest first. `STORE_CURSOR_INVALID`. */
  listTokens(page: PageRequest): Promise<Page<TokenRow>>
  /** By id, or by name the one that is not revoked. Idempotent by id: the first time stays. Undefined when there is none. */
  revokeToken(reference: string, at: number): Promise<TokenRow | undefined>
  noteTokenUse(id: string, at: number): Promise<void>

  /** Gives the id of the row; ids rise. */
  beginAudit(row: Omit<AuditRow, 'id' | 'outcome'>): Promise<number>
  /** Gives the row as it then is. `facts`, when given, take the place of what is there. */
  endAudit(id: number, outcome: string, facts?: string): Promise<AuditRow | undefined>
  /** Newest first. */
  listAudit(filter: AuditFilter): Promise<AuditRow[]>

  /**
   * Takes the key (undefined), or gives what is there for it. `scope` is the id of the token. Keys taken before `forgetBefore`
   * are removed. One that is under way since before `abandonedBefore` is taken over: whoever took it does not live any more.
   */
  claimAnswer(of: {
    scope: string
    key: string
    fingerprint: Uint8Array
    at: number
    forgetBefore: number
    abandonedBefore: number
  }): Promise<RememberedAnswer | undefined>
  keepAnswer(scope: string, key: string, sealedAnswer: Uint8Array): Promise<void>
  /** Whether the key was taken, and is remembered. */
  hasAnswer(scope: string, key: string): Promise<boolean>
  /** The request changed nothing: it may be sent again with the same key. */
  dropAnswer(scope: string, key: string): Promise<void>

  /**
   * The replica is there, and these of its links came or went, in this order. False when it was not known before, as at its
   * first beat or after it was forgotten: then only these links of it are known, and it must tell all of them.
   * Replicas that did not beat since `forgetBefore` are dropped.
   */
  beat(of: { replica: string; at: number; changes: readonly LinkChange[]; forgetBefore: number }): Promise<boolean>
  /** The replica has gone, and all its links with it. */
  dropReplica(replica: string): Promise<void>
  /** Links of replicas that beat at `aliveAfter` or later, by gateway; of these gateways only, when given. At most 10,000. */
  listLinks(aliveAfter: number, gateways?: readonly string[]): Promise<LinkRow[]>
  /** How many gateways have a link, by the same rule. */
  countLinks(aliveAfter: number): Promise<number>
  /** How many replicas beside this one beat at `aliveAfter` or later. */
  countOtherReplicas(replica: string, aliveAfter: number): Promise<number>

  /** As exact as a count that takes at most some ms can be. Removed users are not counted. */
  counts(): Promise<Counts>

  /** Sealed values that were not destroyed, in a fixed order, at most `limit`, from the one after `after` on. */
  listSealed(after: Pick<SealedRow, 'kind' | 'place'> | undefined, limit: number): Promise<SealedRow[]>
  /** Replaces those that are still as `from` says; gives how many. One transaction. */
  reseal(rows: readonly (Omit<SealedRow, 'sealed'> & { from: Uint8Array; to: Uint8Array })[]): Promise<number>
}
