// What the registry takes and gives, besides the rows of the store.

import type { EventEmitter } from 'node:events'
import type { Logger } from '@opencpns/io'
import type { LookUps } from '../caches/look-ups.ts'
import type { EventLog } from '../events.ts'
import type { KeyState, Store } from '../store/contract.ts'
import type { Vault } from '../vault.ts'

export interface GatewayCredential {
  identity: string
  /** Of a RADIUS client, the prefix of its address. */
  radius: string | null
  /** Given out this once: 32 octets; of a RADIUS client 24, and the shared secret is their 32 characters in base64url. */
  secret: Buffer
}

export interface LinkGateway {
  identity: string
  userId: number
  user: string
  /** 32 octets */
  secret: Buffer
}

/** What step 4 needs. Whether the state allows it is for the caller to decide. */
export interface Peer {
  pneId: string
  /** Of the key that the 2nd seed names. */
  state: KeyState
  userId: number
  user: string
  generation: number
  /** 32 octets, shared: not to be changed. */
  firstSeed: Buffer
}

/** What a gateway wants assigned. */
export interface NewAssignment {
  gatewayIdentity: string
  /** 32 octets, made by the gateway */
  secondSeed: Uint8Array
  name?: string | undefined
  /** For a further key, the 2nd seed of the active one that it is to replace. */
  replaces?: Uint8Array | undefined
  /** Of the pairing ticket, for the record. */
  ticketId?: Uint8Array | undefined
}

export interface Assignment {
  pneId: string
  user: string
  /** Of the 1st seed. */
  generation: number
  /** 32 octets, shared: not to be changed. */
  firstSeed: Buffer
}

/** What a gateway must hold to: the PolicyNotice of docs/protocol.md section 4.4. */
export interface GatewayPolicy {
  generation: number
  visitors: boolean
  sessionsMax: number | null
}

/**
 * What was done, by this process or, where {@link RegistryOptions.announce} is given, by any. `revoked`: the revocation log has grown to `seq`. `gatewayRevoked`: the identity of a gateway whose
 * links must end, after `lingerMs` (by default at once). `policyChanged`: of this gateway, or of all gateways of this user. `outOfDate`: changes were missed.
 */
export interface RegistryEvents {
  revoked: [{ seq: number }]
  gatewayRevoked: [identity: string, lingerMs?: number]
  policyChanged: [{ gateway: string } | { user: string }]
  outOfDate: []
}

/** Brings a change to the doors: of all servers, or where there are no others, by what `say` tells those of this one. */
export type Tell = (say: (doors: EventEmitter<RegistryEvents>) => void) => Promise<void>

export interface RegistryOptions {
  store: Store
  vault: Vault
  realm: string
  events?: EventLog | undefined
  logger?: Logger | undefined
  /** Where authentication and links look up; the store unless told otherwise. */
  lookUps?: LookUps | undefined
  /**
   * Called when a change is durable: tells all servers of the store, this one too, which calls {@link Registry.noteChange} and
   * {@link Registry.noteRevoked}. Without it this process tells its own doors.
   */
  announce?: (() => Promise<void>) | undefined
  /** ms since the epoch */
  now?: (() => number) | undefined
}
