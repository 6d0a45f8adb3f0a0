// The store contract on a PostgreSQL database: which call is a read, which a change, and which may be made twice when the
// connection is lost over it. What each does stands in the file of its topic.
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
  RegistrationFilter,
  RegistrationReport,
  RegistrationRow,
  Removal,
  RevocationRow,
  Store,
  UserFilter,
  UserPolicyChange,
  UserRow,
} from '../contract.ts'
import type { ChangeRow } from '../contract-changes.ts'
import type {
  AuditFilter,
  AuditRow,
  Counts,
  LinkRow,
  NewToken,
  OperatorStore,
  RememberedAnswer,
  SealedRow,
  TokenRow,
} from '../contract-operator.ts'
import { assignPnes, type Confirmation, confirmPnes } from './assignments.ts'
import { Batcher } from './batcher.ts'
import { type Change, changing } from './change.ts'
import { changesSince, newestLines } from './changes.ts'
import * as claims from './claims.ts'
import { readCounts } from './counts.ts'
import type { Again, Database, Queries } from './database.ts'
import * as events from './events.ts'
import * as gateways from './gateways.ts'
import { importPnes } from './import.ts'
import * as inventory from './inventory.ts'
import * as keys from './keys.ts'
import { LookUps } from './look-ups.ts'
import * as operator from './operator.ts'
import * as registrations from './registrations.ts'
import * as revocations from './revocations.ts'
import * as users from './users.ts'

/** Calls that are answered in one transaction. */
const TOGETHER_MAX = 200

type TagOf = (secondSeed: Uint8Array) => Uint8Array

export class PostgresStore implements Store {
  readonly #database: Database
  readonly #reads: Queries
  readonly #lookUps: LookUps
  readonly #reports: Batcher<registrations.Reported, registrations.Counted>
  readonly #assignments: Batcher<NewPne, KeyRow | undefined>
  readonly #confirmations: Batcher<Confirmation, KeyRow | undefined>
  readonly #events = new events.EventAppender()

  constructor(database: Database) {
    this.#database = database
    this.#reads = database.reads
    this.#lookUps = new LookUps(database.reads)
    this.#reports = this.#batched(registrations.countReports, 1)
    this.#assignments = this.#batched(assignPnes, 2)
    this.#confirmations = this.#batched(confirmPnes, 2)
  }

  claim(name: string, value: Uint8Array): Promise<Uint8Array> {
    return claims.claim(this.#reads, name, value)
  }

  replaceClaim(name: string, from: Uint8Array, to: Uint8Array): Promise<boolean> {
    return claims.replaceClaim(this.#database.changes('once'), name, { from, to })
  }

  // Users

  addUser(user: Parameters<Store['addUser']>[0]): Promise<UserRow> {
    return this.#change('once', (change) => users.addUser(change, user))
  }

  findUser(name: string): Promise<UserRow | undefined> {
    return users.findUser(this.#reads, name)
  }

  listUsers(filter: UserFilter, page: PageRequest): Promise<Page<UserRow>> {
    return users.listUsers(this.#reads, filter, page)
  }

  countPnes(userId: number): Promise<PneCounts> {
    return users.countPnes(this.#reads, userId)
  }

  listGenerations(userId: number): Promise<GenerationRow[]> {
    return users.listGenerations(this.#reads, userId)
  }

  addFirstSeed(seed: Parameters<Store['addFirstSeed']>[0]): Promise<void> {
    return this.#change('once', (change) => users.addFirstSeed(change, seed))
  }

  findFirstSeed(userId: number, generation: number): Promise<FirstSeedRow | undefined> {
    return users.findFirstSeed(this.#reads, userId, generation)
  }

  async retireGeneration(of: Parameters<Store['retireGeneration']>[0]): Promise<GenerationRetirement> {
    const retirement = await this.#change('idempotent', (change) => keys.retireGeneration(change, of))
    return { ...retirement, erased: false }
  }

  changeUserPolicy(name: string, change: UserPolicyChange, ifVersion?: number): Promise<UserRow | undefined> {
    return this.#change('once', (transaction) => users.changeUserPolicy(transaction, name, change, ifVersion))
  }

  listedGateways(userId: number): Promise<string[]> {
    return users.listedGateways(this.#reads, userId)
  }

  async removeUser(name: string, tagOf: TagOf, at: number): Promise<Removal | undefined> {
    const removal = await this.#change('once', (change) => users.removeUser(change, name, tagOf, at))
    return removal && { ...removal, erased: false }
  }

  // Gateways

  addGateway(gateway: NewGateway): Promise<GatewayRow> {
    return this.#change('once', (change) => gateways.addGateway(change, gateway))
  }

  findGateway(identity: string): Promise<GatewaySecretRow | undefined> {
    return gateways.findGatewaySecret(this.#reads, identity)
  }

  listGateways(filter: GatewayFilter, page: PageRequest): Promise<Page<ListedGatewayRow>> {
    return gateways.listGateways(this.#reads, filter, page)
  }

  changeVisitors(identity: string, visitors: boolean, ifVersion?: number): Promise<GatewayRow | undefined> {
    return this.#change('once', (change) => gateways.changeVisitors(change, identity, visitors, ifVersion))
  }

  findAdmission(userId: number, gateway: string): Promise<AdmissionRow | undefined> {
    return this.#lookUps.admission({ userId, gateway })
  }

  revokeGateway(identity: string, at: number): Promise<GatewayRow | undefined> {
    return this.#change('idempotent', (change) => gateways.revokeGateway(change, identity, at))
  }

  listRadiusGateways(): Promise<RadiusGatewayRow[]> {
    return gateways.listRadiusGateways(this.#reads)
  }

  radiusGatewayChanges(): Promise<number> {
    return gateways.radiusGatewayChanges(this.#reads)
  }

  // PNEs and their keys

  assignPne(pne: NewPne): Promise<KeyRow | undefined> {
    return this.#assignments.add(pne)
  }

  assignKey(key: NewKey): Promise<KeyRow | undefined> {
    return this.#change('idempotent', (change) => keys.assignKey(change, key))
  }

  confirmPne(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined> {
    return this.#confirmations.add({ secondSeed, gateway, at })
  }

  retireKey(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined> {
    return this.#change('idempotent', (change) => keys.retireKey(change, secondSeed, gateway, at))
  }

  revokePne(pneId: string, tagOf: TagOf, at: number): Promise<RevocationRow | undefined> {
    return this.#change('idempotent', async (change) => {
      await keys.revokePne(change, pneId, tagOf, at)
      return revocations.newestOf(change, pneId)
    })
  }

  findPneBySecondSeed(secondSeed: Uint8Array): Promise<PneKeyRow | undefined> {
    return this.#lookUps.key(secondSeed)
  }

  findPne(pneId: string): Promise<PneRow | undefined> {
    return inventory.findPne(this.#reads, pneId)
  }

  matchPnes(reference: string, limit: number): Promise<PneRow[]> {
    return inventory.matchPnes(this.#reads, reference, limit)
  }

  listKeys(pneId: string): Promise<KeyRow[]> {
    return keys.listKeys(this.#reads, pneId)
  }

  listPnes(filter: PneFilter, page: PageRequest): Promise<Page<PneRow>> {
    return inventory.listPnes(this.#reads, filter, page)
  }

  removePendingPnes(time: number): Promise<number> {
    return this.#change('idempotent', (change) => keys.removePendingPnes(change, time))
  }

  removeRetiredKeys(time: number): Promise<number> {
    return keys.removeRetiredKeys(this.#database.changes('idempotent'), time)
  }

  importPnes(pnes: Iterable<NewPne>): Promise<number> {
    return importPnes((work) => this.#change('once', work), pnes)
  }

  // Revocations and registrations

  revocationsSince(seq: number, limit: number): Promise<RevocationRow[]> {
    return revocations.since(this.#reads, seq, limit)
  }

  newestRevocation(): Promise<number> {
    return revocations.newest(this.#reads)
  }

  countReports(gateway: string, first: number, reports: readonly RegistrationReport[]): Promise<registrations.Counted> {
    return this.#reports.add({ gateway, first, reports })
  }

  listRegistrations(filter: RegistrationFilter, page: PageRequest): Promise<Page<RegistrationRow>> {
    return registrations.listRegistrations(this.#reads, filter, page)
  }

  listPns(filter: PnFilter, page: PageRequest): Promise<Page<PnRow>> {
    return gateways.listPns(this.#reads, filter, page)
  }

  findPn(gateway: string): Promise<PnRow | undefined> {
    return gateways.findPn(this.#reads, gateway)
  }

  newestLines(): Promise<{ revocation: number; change: number }> {
    return newestLines(this.#reads)
  }

  changesSince(seq: number, limit: number): Promise<ChangeRow[]> {
    return changesSince(this.#reads, seq, limit)
  }

  // Events

  appendEvents(rows: readonly NewEventRow[], keep: number): Promise<number[]> {
    return this.#events.append(this.#database.changes('once'), rows, keep)
  }

  findEvent(id: number): Promise<EventRow | undefined> {
    return events.findEvent(this.#reads, id)
  }

  listEvents(filter: EventFilter): Promise<EventRow[]> {
    return events.listEvents(this.#reads, filter)
  }

  eventsOfSessions(sessions: readonly string[]): Promise<EventRow[]> {
    return events.eventsOfSessions(this.#reads, sessions)
  }

  // The operator's part

  addToken(token: NewToken): Promise<TokenRow> {
    return this.#database.transaction('once', (transaction) => operator.addToken(transaction, token))
  }

  findToken(hash: Uint8Array): Promise<TokenRow | undefined> {
    return operator.findToken(this.#reads, hash)
  }

  findTokenById(id: string): Promise<TokenRow | undefined> {
    return operator.findTokenById(this.#reads, id)
  }

  listTokens(page: PageRequest): Promise<Page<TokenRow>> {
    return operator.listTokens(this.#reads, page)
  }

  revokeToken(reference: string, at: number): Promise<TokenRow | undefined> {
    return this.#change('once', (change) => operator.revokeToken(change, reference, at))
  }

  noteTokenUse(id: string, at: number): Promise<void> {
    return operator.noteTokenUse(this.#database.changes('idempotent'), id, at)
  }

  beginAudit(row: Omit<AuditRow, 'id' | 'outcome'>): Promise<number> {
    return operator.beginAudit(this.#database.changes('once'), row)
  }

  endAudit(id: number, outcome: string, facts?: string): Promise<AuditRow | undefined> {
    return operator.endAudit(this.#database.changes('idempotent'), id, outcome, facts)
  }

  listAudit(filter: AuditFilter): Promise<AuditRow[]> {
    return operator.listAudit(this.#reads, filter)
  }

  claimAnswer(of: Parameters<OperatorStore['claimAnswer']>[0]): Promise<RememberedAnswer | undefined> {
    return this.#database.transaction('once', (transaction) => operator.claimAnswer(transaction, of))
  }

  keepAnswer(scope: string, key: string, sealedAnswer: Uint8Array): Promise<void> {
    return operator.keepAnswer(this.#database.changes('idempotent'), scope, key, sealedAnswer)
  }

  hasAnswer(scope: string, key: string): Promise<boolean> {
    return operator.hasAnswer(this.#reads, scope, key)
  }

  dropAnswer(scope: string, key: string): Promise<void> {
    return operator.dropAnswer(this.#database.changes('idempotent'), scope, key)
  }

  beat(of: Parameters<OperatorStore['beat']>[0]): Promise<boolean> {
    return this.#database.transaction('once', (transaction) => operator.beat(transaction, of))
  }

  dropReplica(replica: string): Promise<void> {
    return operator.dropReplica(this.#database.changes('idempotent'), replica)
  }

  listLinks(aliveAfter: number, gateways?: readonly string[]): Promise<LinkRow[]> {
    return operator.listLinks(this.#reads, aliveAfter, gateways)
  }

  countLinks(aliveAfter: number): Promise<number> {
    return operator.countLinks(this.#reads, aliveAfter)
  }

  countOtherReplicas(replica: string, aliveAfter: number): Promise<number> {
    return operator.countOtherReplicas(this.#reads, replica, aliveAfter)
  }

  counts(): Promise<Counts> {
    return readCounts(this.#reads)
  }

  listSealed(after: Pick<SealedRow, 'kind' | 'place'> | undefined, limit: number): Promise<SealedRow[]> {
    return operator.listSealed(this.#reads, after, limit)
  }

  reseal(rows: Parameters<OperatorStore['reseal']>[0]): Promise<number> {
    return this.#database.transaction('once', (transaction) => operator.reseal(transaction, rows))
  }

  async close(): Promise<void> {
    const batchers = [this.#reports, this.#assignments, this.#confirmations]
    await Promise.all(batchers.map((batcher) => batcher.close()))
    await this.#database.close()
  }

  /** Calls that come together in one transaction, so many of which may be under way. */
  #batched<In, Out>(
    work: (change: Change, inputs: readonly In[]) => Promise<PromiseSettledResult<Out>[]>,
    parallel: number,
  ): Batcher<In, Out> {
    const run = (inputs: readonly In[]) => this.#change('idempotent', (change) => work(change, inputs))
    return new Batcher({ run, max: TOGETHER_MAX, parallel })
  }

  #change<T>(again: Again, work: (change: Change) => Promise<T>): Promise<T> {
    return this.#database.transaction(again, (transaction) => changing(transaction, work))
  }
}
