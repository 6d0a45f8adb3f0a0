// The store: what a CPNS Server keeps, as one asynchronous interface that SQLite and PostgreSQL implement alike.
// It keeps secrets only in sealed form (vault.ts) and no device key at all. It takes no decisions: registry.ts does.
// What the operator's view stands on is in contract-operator.ts, and part of it.

import type { ChangeStore } from './contract-changes.ts'
import type { OperatorStore } from './contract-operator.ts'
import type {
  AdmissionRow,
  EventFilter,
  EventRow,
  FirstSeedRow,
  GatewayFilter,
  GatewayRow,
  GatewaySecretRow,
  GenerationRetirement,
  GenerationRow,
  KeyRow,
  ListedGatewayRow,
  NewEventRow,
  NewGateway,
  NewKey,
  NewPne,
  Page,
  PageRequest,
  PneCounts,
  PneFilter,
  PneKeyRow,
  PneRow,
  PnFilter,
  PnRow,
  RadiusGatewayRow,
  RegistrationChange,
  RegistrationFilter,
  RegistrationReport,
  RegistrationRow,
  Removal,
  RevocationRow,
  UserFilter,
  UserPolicyChange,
  UserRow,
} from './contract-rows.ts'

export type * from './contract-rows.ts'

/**
 * The store of a CPNS Server.
 *
 * Durability: when the promise of a writing method resolves, its change survives the loss of power. Each writing method is
 * one transaction, and several processes may use the same store at the same time.
 * Every method may reject with a {@link StoreError}: `STORE_BUSY`, `STORE_FULL`, `STORE_CORRUPT`, `STORE_FAILED` or
 * `STORE_CLOSED`, besides the codes named at the method.
 */
export interface Store extends OperatorStore, ChangeStore {
  /**
   * Writes a small value unless the name is there already; gives the value that is there afterwards.
   * Whoever comes second with another value sees that of the first.
   */
  claim(name: string, value: Uint8Array): Promise<Uint8Array>
  /** Replaces the value of a claim that is still as `from` says; gives whether it did. */
  replaceClaim(name: string, from: Uint8Array, to: Uint8Array): Promise<boolean>

  /** Adds a user with the 1st seed of generation 1. Rejects with `STORE_DUPLICATE` when the name is taken. */
  addUser(user: { name: string; sealedFirstSeed: Uint8Array; createdAt: number }): Promise<UserRow>
  findUser(name: string): Promise<UserRow | undefined>
  /** By name. */
  listUsers(filter: UserFilter, page: PageRequest): Promise<Page<UserRow>>
  /** The PNEs of a user. */
  countPnes(userId: number): Promise<PneCounts>
  /** The generations of a user's 1st seed, oldest first. */
  listGenerations(userId: number): Promise<GenerationRow[]>
  /** Adds a further generation, which must be the current one plus 1: otherwise `STORE_DUPLICATE`, for another was faster. */
  addFirstSeed(seed: { userId: number; generation: number; sealed: Uint8Array; createdAt: number }): Promise<void>
  findFirstSeed(userId: number, generation: number): Promise<FirstSeedRow | undefined>
  /**
   * Destroys the sealed 1st seed of a generation, unless active keys use it. With `force` those become `revoked`, with a line
   * in the revocation log each, and so does a PNE that has no other active key. Pending keys of it are removed. Idempotent.
   * @param of.tagOf  the revocation tag of a 2nd seed
   */
  retireGeneration(of: {
    userId: number
    generation: number
    force: boolean
    tagOf: (secondSeed: Uint8Array) => Uint8Array
    at: number
  }): Promise<GenerationRetirement>
  /**
   * Undefined when there is no such user, or it was removed. `STORE_UNKNOWN_GATEWAY` for a listed one that is not there.
   * `STORE_CHANGED` when the user is no longer of the version `ifVersion`, if that is given: then nothing is changed.
   */
  changeUserPolicy(name: string, change: UserPolicyChange, ifVersion?: number): Promise<UserRow | undefined>
  /** Identities of the gateways that the user lists, in their order. */
  listedGateways(userId: number): Promise<string[]>
  /**
   * Ends a user for ever, at once: the sealed 1st seeds are destroyed, so far as the store has them; every PNE of the user
   * becomes `revoked` with a line in the revocation log, every gateway of the user revoked; nothing of it is registered any
   * more. The name stays taken. Undefined when there is no such user, or it was removed already.
   * @param tagOf  the revocation tag of a 2nd seed
   */
  removeUser(name: string, tagOf: (secondSeed: Uint8Array) => Uint8Array, at: number): Promise<Removal | undefined>

  /**
   * Rejects with `STORE_DUPLICATE` when the identity is taken, by a revoked gateway too; with `STORE_PREFIX_TAKEN` when a
   * gateway that is not revoked has this very `radius`; with `STORE_UNKNOWN_USER` when the user is not there or was removed.
   */
  addGateway(gateway: NewGateway): Promise<GatewayRow>
  findGateway(identity: string): Promise<GatewaySecretRow | undefined>
  /** By identity. */
  listGateways(filter: GatewayFilter, page: PageRequest): Promise<Page<ListedGatewayRow>>
  /** Undefined when there is no such gateway. `STORE_CHANGED` as of {@link changeUserPolicy}. */
  changeVisitors(identity: string, visitors: boolean, ifVersion?: number): Promise<GatewayRow | undefined>
  /** Undefined when there is no such user or gateway. */
  findAdmission(userId: number, gateway: string): Promise<AdmissionRow | undefined>
  /** Nothing is registered there any more. Idempotent: the first time stays. Undefined when there is no such gateway. */
  revokeGateway(identity: string, at: number): Promise<GatewayRow | undefined>
  /** All RADIUS clients that are not revoked. */
  listRadiusGateways(): Promise<RadiusGatewayRow[]>
  /** Rises with each RADIUS client that is added or revoked, by whichever process. */
  radiusGatewayChanges(): Promise<number>

  /**
   * Writes a PNE with its first key, both `pending`, for the user of the gateway and the newest generation of that user's 1st
   * seed. If the 2nd seed is there already, whoever assigned it, nothing is written and the key that is there is the answer.
   * Undefined when the gateway is not there or revoked, before all else. `STORE_DUPLICATE` when only the pneId is taken.
   */
  assignPne(pne: NewPne): Promise<KeyRow | undefined>
  /**
   * Writes a further key of a PNE, `pending`, of the newest generation; otherwise as {@link assignPne}. `STORE_UNKNOWN_KEY`
   * when the key that it replaces is not an active one that this gateway assigned.
   */
  assignKey(key: NewKey): Promise<KeyRow | undefined>
  /**
   * Makes a `pending` key of this gateway `active`, and its PNE too, unless the gateway is revoked. Gives the key as it then
   * is, changed or not; undefined when there is no such key.
   */
  confirmPne(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined>
  /**
   * Makes an `active` key of this gateway `retired`, if another key of the PNE is active, unless the gateway is revoked. Gives
   * the key as it then is, changed or not; undefined when there is no such key.
   */
  retireKey(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined>
  /**
   * Makes a PNE and all its keys `revoked`, registered nowhere, and appends the tag of each key to the revocation log, all
   * once. Gives the newest of these lines; undefined when there is no such PNE.
   * @param tagOf  the revocation tag of a 2nd seed
   */
  revokePne(
    pneId: string,
    tagOf: (secondSeed: Uint8Array) => Uint8Array,
    at: number,
  ): Promise<RevocationRow | undefined>
  /** The look-up of step 4: one search in one index. */
  findPneBySecondSeed(secondSeed: Uint8Array): Promise<PneKeyRow | undefined>
  /** By pneId. */
  findPne(pneId: string): Promise<PneRow | undefined>
  /** Up to `limit` PNEs whose pneId begins with `reference` or whose display name is exactly it. */
  matchPnes(reference: string, limit: number): Promise<PneRow[]>
  /** All keys of a PNE, newest first; none when there is no such PNE. */
  listKeys(pneId: string): Promise<KeyRow[]>
  /**
   * Newest first. With a `query`, as the index gives them: each PNE once, in the same order on every page, and a PNE that was
   * there from the first page to the last is not left out. Each call looks at 10,000 PNEs at most, or at fewer where that takes
   * long: where hardly any fits, a page has fewer than `limit`, or none, and yet a `next`. `STORE_CURSOR_INVALID`.
   */
  listPnes(filter: PneFilter, page: PageRequest): Promise<Page<PneRow>>
  /** Removes keys that were assigned before `time` and never confirmed, and PNEs that have no other. Gives the number of keys. */
  removePendingPnes(time: number): Promise<number>
  /** Removes keys that were retired before `time`. Gives their number. */
  removeRetiredKeys(time: number): Promise<number>
  /**
   * Writes many assignments at once, as `active`. Gives their number. Not one transaction: what was written before an error
   * stays. `STORE_DUPLICATE` when one is there already; `STORE_UNKNOWN_GATEWAY` when its gateway is not.
   */
  importPnes(pnes: Iterable<NewPne>): Promise<number>

  /** Lines of the revocation log after `seq` (0: from the beginning), oldest first. */
  revocationsSince(seq: number, limit: number): Promise<RevocationRow[]>
  /** `seq` of the newest line; 0 while there is none. */
  newestRevocation(): Promise<number>

  /**
   * Counts reports of a gateway, numbered from `first`. Each number counts once: up to the last one that was counted they
   * are skipped. A report about a PNE that is not active, or in the local case one that another gateway assigned, counts
   * without any effect; one by a retired key counts as any, for a session may outlast its key. `upTo` is the last number counted so far, `changes` what this call changed.
   * `STORE_GAP` when numbers are missing between; `STORE_UNKNOWN_GATEWAY` when it is not there or revoked: nothing changed.
   */
  countReports(
    gateway: string,
    first: number,
    reports: readonly RegistrationReport[],
  ): Promise<{ upTo: number; changes: RegistrationChange[] }>
  /** Newest first. */
  listRegistrations(filter: RegistrationFilter, page: PageRequest): Promise<Page<RegistrationRow>>
  /** By gateway: those that are not revoked and speak our own protocol. */
  listPns(filter: PnFilter, page: PageRequest): Promise<Page<PnRow>>
  /** Undefined when {@link listPns} would not have it. */
  findPn(gateway: string): Promise<PnRow | undefined>

  /** Appends events in their order and keeps only the newest `keep` of all. Gives their ids, which rise in that order. */
  appendEvents(events: readonly NewEventRow[], keep: number): Promise<number[]>
  findEvent(id: number): Promise<EventRow | undefined>
  /** Newest first. A filter by anything but `type` may read the whole log. */
  listEvents(filter: EventFilter): Promise<EventRow[]>
  /** Of each of these sessions, at most 1,000, the first events at each gateway that names it, oldest first. It may read the whole log. */
  eventsOfSessions(sessions: readonly string[]): Promise<EventRow[]>

  /** Finishes what was begun, then lets go of the store. Idempotent. */
  close(): Promise<void>
}

export type StoreErrorCode =
  | 'STORE_ADDRESS_INVALID' // not sqlite, and not postgres://USER@HOST/DATABASE
  | 'STORE_BUSY' // another process writes for too long, too much waits, or the connection to the database is lost
  | 'STORE_CHANGED' // the row is not of the version any more that the change was made for
  | 'STORE_CLOSED' // the store was closed
  | 'STORE_CORRUPT' // the database is damaged: restore it from a backup
  | 'STORE_CURSOR_INVALID' // not a cursor that a list gave
  | 'STORE_DIFFERS' // what was moved is not what is there: begin again with an empty database
  | 'STORE_DUPLICATE' // a row with this name or key is there
  | 'STORE_FAILED' // the database reports another error
  | 'STORE_FULL' // no room on the disk
  | 'STORE_GAP' // numbers of a gateway's reports are missing
  | 'STORE_INCOMPLETE' // another store is being moved into this database: finish that
  | 'STORE_NEWER' // the database is of a newer version of OpenCPNS
  | 'STORE_NOT_EMPTY' // the database that a store is to be moved to holds other data
  | 'STORE_NOT_OURS' // the file is a database of another program
  | 'STORE_PREFIX_TAKEN' // another RADIUS client has this prefix
  | 'STORE_REFUSED' // the database does not let this server in: user, password, rights or certificate
  | 'STORE_UNKNOWN_GATEWAY' // no such gateway
  | 'STORE_UNKNOWN_KEY' // no such key, or not one that may be replaced
  | 'STORE_UNKNOWN_USER' // no such user
  | 'STORE_UNREACHABLE' // no database answers where it should be

/** A store could not do what it was asked. No message holds a value of a row. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
