// What a store keeps and gives, as rows; what its lists are asked by. The operations on them are contract.ts.

/** The life of a PNE: `pending` until the gateway confirms its assignment, then `active`, at last `revoked` for ever. */
type PneState = 'pending' | 'active' | 'revoked'

/**
 * The life of a key: `pending` until the gateway confirms it, then `active`; `retired` once the PNE has used the key that
 * replaces it; `revoked` with its PNE, or with the 1st seed that it is calculated from. A PNE may have several `active` ones.
 */
export type KeyState = PneState | 'retired'

/** One page of a list. `cursor` is the `next` of the page before, under the same filter; `limit` is at least 1. */
export interface PageRequest {
  limit: number
  cursor?: string | undefined
}

/** `next` is null on the last page, otherwise the cursor of the following one. */
export interface Page<T> {
  items: T[]
  next: string | null
}

/** Where the PNEs of an end user may authenticate in the remote case: at any gateway, at listed ones, or nowhere. */
type Roaming = 'any' | 'listed' | 'none'

/**
 * An end user. `generation` is that of the newest 1st seed. Times here and below are in ms since the epoch.
 * `sessionsMax` is how many sessions a PNE of the user may have at once at a gateway; null for no limit. `version` is 1 at
 * first and rises by 1 with each change of the policy, each further 1st seed, and the removal.
 */
export interface UserRow {
  id: number
  version: number
  name: string
  generation: number
  roaming: Roaming
  sessionsMax: number | null
  createdAt: number
  removedAt: number | null
}

/** What changes of a user's policy; the rest stays. `gateways` are the identities of the listed ones, all of them. */
export interface UserPolicyChange {
  roaming?: Roaming | undefined
  gateways?: readonly string[] | undefined
  sessionsMax?: number | null | undefined
}

/** `query` is the beginning of the name, in lower case. */
export interface UserFilter {
  query?: string | undefined
}

/** How many PNEs there are in each state. */
export type PneCounts = Record<PneState, number>

/** What decides whether a PNE of this user may be in the remote case at this gateway. */
export interface AdmissionRow {
  roaming: Roaming
  sessionsMax: number | null
  /** Whether the user lists this gateway. */
  listed: boolean
  visitors: boolean
  gatewayRevoked: boolean
}

/** What the removal of a user took along. */
export interface Removal {
  user: UserRow
  /** How many PNEs were revoked by it. */
  pnes: number
  /** Identities of the gateways that were revoked by it. */
  gateways: string[]
  /** The newest line of the revocation log. */
  newestRevocation: number
  /** False when somebody who reads the store kept it from erasing all copies of the sealed 1st seeds at once. */
  erased: boolean
}

/** A sealed 1st seed, empty once it was destroyed, and the name of its owner, which is part of what it is sealed to. */
export interface FirstSeedRow {
  user: string
  sealed: Uint8Array
}

/**
 * A gateway without its secret. `identity` is `name@realm`. `radius` is for a RADIUS client the prefix of its address, as
 * `192.0.2.0/24` or `2001:db8::1/128`, and null for a gateway that speaks our own protocol. `visitors`: whether it takes
 * PNEs in the remote case. `version` is 1 at first and rises by 1 with each change of `visitors` and with the revocation.
 */
export interface GatewayRow {
  identity: string
  version: number
  radius: string | null
  visitors: boolean
  userId: number
  user: string
  createdAt: number
  revokedAt: number | null
}

/** `registered`: how many PNEs are in its personal network now. */
export interface ListedGatewayRow extends GatewayRow {
  registered: number
}

/** Conditions that all must hold. `query` is the beginning of the identity, in lower case. */
export interface GatewayFilter {
  query?: string | undefined
  user?: string | undefined
  kind?: 'cpns' | 'radius' | undefined
  state?: 'active' | 'revoked' | undefined
}

/** A gateway with its sealed secret: for setting up a link, never for a list. */
export interface GatewaySecretRow extends GatewayRow {
  sealedSecret: Uint8Array
}

/** A gateway to write. */
export interface NewGateway {
  identity: string
  radius: string | null
  userId: number
  sealedSecret: Uint8Array
  createdAt: number
}

/** What a RADIUS client is told apart and authenticated by. */
export interface RadiusGatewayRow {
  identity: string
  radius: string
  sealedSecret: Uint8Array
}

/** A PNE of the inventory, with the newest of its active keys; while it has none, the newest of all. */
export interface PneRow {
  pneId: string
  /** Of that key, 32 octets. */
  secondSeed: Uint8Array
  state: PneState
  name: string | null
  userId: number
  user: string
  /** Of the 1st seed that the EUKey of that key is calculated from. */
  generation: number
  keyCreatedAt: number
  /** Identity of the gateway that assigned it. */
  gateway: string
  createdAt: number
  confirmedAt: number | null
  revokedAt: number | null
}

/** A key of a PNE: the 2nd seed by which it authenticates, and the generation of the 1st seed. */
export interface KeyRow {
  /** 32 octets */
  secondSeed: Uint8Array
  pneId: string
  state: KeyState
  userId: number
  user: string
  generation: number
  /** Identity of the gateway that assigned it. */
  gateway: string
  /** The 2nd seed of the key that it was assigned to replace; null of the first key of a PNE. */
  replaces: Uint8Array | null
  createdAt: number
  confirmedAt: number | null
  retiredAt: number | null
}

/** What authentication needs of a key, and no more: step 4 reads this for each request. */
export type PneKeyRow = Pick<KeyRow, 'pneId' | 'state' | 'userId' | 'generation'>

/** A generation of a user's 1st seed. `keys`: how many active keys are calculated from it. */
export interface GenerationRow {
  generation: number
  createdAt: number
  /** Whether the 1st seed was destroyed: no key of it works any more. */
  retired: boolean
  keys: number
}

/** What the retirement of a generation did; or, with `retired` false, the number of active keys that forbid it. */
export interface GenerationRetirement {
  retired: boolean
  keys: number
  /** PNEs that had no other active key, and were revoked. */
  pnes: number
  /** The newest line of the revocation log. */
  newestRevocation: number
  /** As of {@link Removal}. */
  erased: boolean
}

/** An assignment to write. The user and the generation follow from the gateway. */
export interface NewPne {
  pneId: string
  /** 32 octets */
  secondSeed: Uint8Array
  gateway: string
  name: string | null
  createdAt: number
}

/** A further key of a PNE to write. The PNE and the user follow from the key that it replaces, the generation is the newest. */
export interface NewKey {
  /** 32 octets */
  secondSeed: Uint8Array
  /** The 2nd seed of the active key that it is to replace. */
  replaces: Uint8Array
  gateway: string
  createdAt: number
}

/** A line of the revocation log. `seq` rises by at least 1 from line to line. */
export interface RevocationRow {
  seq: number
  /** 32 octets: the revocation tag of a key of the PNE, from which the 2nd seed cannot be calculated. */
  tag: Uint8Array
  pneId: string
  at: number
}

/** A presence session began or ended, as its gateway reports it. `at` is by the gateway's clock. */
export interface RegistrationReport {
  kind: 'began' | 'ended'
  /** 16 octets */
  sessionId: Uint8Array
  /** 32 octets */
  secondSeed: Uint8Array
  case: 'local' | 'remote'
  at: number
}

/** A report that changed something, and whose PNE it is about. */
export interface RegistrationChange {
  kind: 'began' | 'ended'
  case: 'local' | 'remote'
  pneId: string
  user: string
}

/** A PNE that is registered in the PN of a gateway. A PNE is there once for each gateway. */
export interface RegistrationRow {
  /** 16 octets */
  sessionId: Uint8Array
  pneId: string
  name: string | null
  user: string
  gateway: string
  case: 'local' | 'remote'
  since: number
}

export interface RegistrationFilter {
  gateway?: string | undefined
  pneId?: string | undefined
}

/** Conditions that all must hold. `query` is the beginning of the identity of the gateway, in lower case. */
export interface PnFilter {
  query?: string | undefined
  user?: string | undefined
}

/** The personal network of a gateway, and how many PNEs are registered in it. */
export interface PnRow {
  gateway: string
  user: string
  visitors: boolean
  registered: number
}

/**
 * Conditions that all must hold. `gateway` is the identity of the one that assigned it. `query` is what a person types: each
 * word of it is the beginning of a word of the display name, or the whole of it the beginning of the pneId (words.ts).
 */
export interface PneFilter {
  state?: PneState | undefined
  user?: string | undefined
  gateway?: string | undefined
  query?: string | undefined
}

/**
 * A line of the event log as written. Absent facts are null. `session` is a session id in base64url; `steps` and `facts` are
 * JSON, whose shape is not the store's affair.
 */
export interface NewEventRow {
  at: number
  type: string
  result: string
  reason: string | null
  pneId: string | null
  gateway: string | null
  user: string | null
  case: string | null
  ms: number | null
  session: string | null
  steps: string | null
  facts: string | null
}

export interface EventRow extends NewEventRow {
  id: number
}

/** Conditions that all must hold. */
export interface EventFilter {
  limit: number
  /** Only events with an id below this one. */
  before?: number | undefined
  /** Only events with an id above this one. */
  above?: number | undefined
  /** Only events at this time or later. Where clocks of replicas differ by over a minute, some may be left out. */
  since?: number | undefined
  type?: string | undefined
  result?: string | undefined
  case?: string | undefined
  pneId?: string | undefined
  gateway?: string | undefined
  session?: string | undefined
}
