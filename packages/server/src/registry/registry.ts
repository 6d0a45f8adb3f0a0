// The registry: end users and their 1st seeds, gateways, the inventory of PNEs, revocation. The operations behind every
// door, by noun; here stands how the parts belong together, and how changes reach the doors. It decides; the store keeps; the
// vault seals. Authentication (step 4 and 5) is authenticate.ts.
import { EventEmitter } from 'node:events'
import type { Logger } from '@opencpns/io'
import { checkRealm } from '@opencpns/protocol'
import type { LookUps } from '../caches/look-ups.ts'
import { Operators } from '../operators.ts'
import type { GatewayFilter, PageRequest, PneFilter, Store, UserFilter } from '../store/contract.ts'
import type { ChangeRow } from '../store/contract-changes.ts'
import { Assignments, PENDING_LIFETIME_MS } from './assignments.ts'
import { FirstSeeds } from './first-seeds.ts'
import { Gateways } from './gateways.ts'
import { Generations } from './generations.ts'
import { Others } from './others.ts'
import { Pnes } from './pnes.ts'
import { Policies } from './policies.ts'
import { type RadiusClient, RadiusClients } from './radius-clients.ts'
import { Registrations } from './registrations.ts'
import type { NewAssignment, RegistryEvents, RegistryOptions, Tell } from './types.ts'
import { LAST_WORDS_MS, Users } from './users.ts'

/**
 * Beside {@link RegistryError}, each method may reject with {@link StoreError}, and those that open a secret with
 * {@link VaultError}. What changes something resolves once the change is durable. What each refuses is told where it is done:
 * users.ts, gateways.ts, assignments.ts, pnes.ts.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly realm: string
  readonly generations: Generations
  readonly operators: Operators
  readonly policies: Policies
  readonly registrations: Registrations
  readonly #users: Users
  readonly #gateways: Gateways
  readonly #assignments: Assignments
  readonly #pnes: Pnes
  readonly #radiusClients: RadiusClients
  readonly #others: Others
  readonly #store: Store
  readonly #lookUps: LookUps
  readonly #logger: Logger | undefined
  #housekeeping: NodeJS.Timeout | undefined

  constructor({ store, vault, realm, events, logger, lookUps = store, announce, now = Date.now }: RegistryOptions) {
    super()
    this.realm = checkRealm(realm)
    this.#store = store
    this.#lookUps = lookUps
    this.#logger = logger
    const tell: Tell = async (say) => (announce ? announce() : say(this))
    const firstSeeds = new FirstSeeds(store, vault)
    const radiusClients = new RadiusClients(store, vault, logger)
    const shared = { store, firstSeeds, radiusClients, events, logger, tell, now }
    this.#radiusClients = radiusClients
    this.#users = new Users(shared)
    this.#gateways = new Gateways({ ...shared, lookUps, vault, realm })
    this.#pnes = new Pnes({ ...shared, lookUps })
    this.#assignments = new Assignments({ ...shared, announce, isGateway: (identity) => this.isGateway(identity) })
    this.policies = new Policies({
      ...shared,
      lookUps,
      onChange: (changed) => tell((doors) => doors.emit('policyChanged', changed)),
    })
    this.registrations = new Registrations(store, events)
    this.generations = new Generations({
      ...shared,
      onRevoked: (seq) => tell((doors) => doors.emit('revoked', { seq })),
    })
    this.operators = new Operators({ store, vault, logger, now })
    this.#others = new Others({
      ...shared,
      onPolicyChanged: (changed) => void this.emit('policyChanged', changed),
      onGatewayRevoked: (identity, isRemoved) => this.#gatewayRevoked(identity, isRemoved ? LAST_WORDS_MS : undefined),
    })
  }

  /** Removes assignments that were never confirmed, and keys retired long ago, now and every hour until {@link close}. */
  async start(): Promise<void> {
    this.#housekeeping ??= setInterval(() => void this.#removePendingInBackground(), PENDING_LIFETIME_MS).unref()
    await this.removePending()
  }

  /** Leaves the store open: it belongs to whoever opened it. */
  close(): void {
    clearInterval(this.#housekeeping)
    this.#radiusClients.close()
    this.#housekeeping = undefined
    this.removeAllListeners()
  }

  // What any server of the store has changed

  /** The revocation log has grown to `seq`. */
  noteRevoked(seq: number): void {
    this.emit('revoked', { seq })
  }

  /** A line of the log of changes. Never rejects: a gateway of which nothing can be learned is let go, and comes back. */
  async noteChange(change: Pick<ChangeRow, 'kind' | 'subject'>): Promise<void> {
    try {
      await this.#others.changed(change)
    } catch (err) {
      this.#logger?.warn(
        { event: 'change-not-followed', err, ...change },
        'what another server has changed could not be looked up',
      )
      if (change.kind === 'gateway') this.emit('gatewayRevoked', change.subject)
    }
  }

  /** Changes were missed: every gateway has to come back, for a new link begins with all that it must know. */
  noteLost(): void {
    this.emit('outOfDate')
  }

  // End users

  addUser(name: string) {
    return this.#users.add(name)
  }

  renewFirstSeed(name: string) {
    return this.#users.renewFirstSeed(name)
  }

  removeUser(name: string) {
    return this.#users.remove(name)
  }

  /** By name. */
  listUsers(filter: UserFilter, page: PageRequest) {
    return this.#store.listUsers(filter, page)
  }

  /** How many PNEs a user has. */
  countPnes(userId: number) {
    return this.#store.countPnes(userId)
  }

  // Gateways

  addGateway(of: Parameters<Gateways['add']>[0]) {
    return this.#gateways.add(of)
  }

  /** By identity. */
  listGateways(filter: GatewayFilter, page: PageRequest) {
    return this.#store.listGateways(filter, page)
  }

  showGateway(identity: string) {
    return this.#gateways.show(identity)
  }

  gatewayNamed(name: string) {
    return this.#gateways.named(name)
  }

  revokeGateway(identity: string) {
    return this.#gateways.revoke(identity)
  }

  findGatewayForLink(identity: string) {
    return this.#gateways.findForLink(identity)
  }

  isGateway(identity: string) {
    return this.#gateways.isActive(identity)
  }

  /** Before the first {@link findRadiusClient}. From then on changes are followed, within a second those of other processes. */
  followRadiusClients(): Promise<void> {
    return this.#radiusClients.follow()
  }

  /** The RADIUS client with this address: the one with the longest prefix of it. In memory: it is asked for each datagram. */
  findRadiusClient(address: string): RadiusClient | undefined {
    return this.#radiusClients.find(address)
  }

  // Key assignment

  assignPne(of: NewAssignment) {
    return this.#assignments.assign(of)
  }

  confirmPne(of: Parameters<Assignments['confirm']>[0]) {
    return this.#assignments.confirm(of)
  }

  retireKey(of: Parameters<Assignments['retire']>[0]) {
    return this.#assignments.retire(of)
  }

  removePending() {
    return this.#assignments.removePending()
  }

  // PNEs and revocation

  findPeer(secondSeed: Uint8Array) {
    return this.#pnes.findPeer(secondSeed)
  }

  /** Newest first. */
  listPnes(filter: PneFilter, page: PageRequest) {
    return this.#store.listPnes(filter, page)
  }

  showPne(reference: string) {
    return this.#pnes.show(reference)
  }

  showKeys(pneId: string) {
    return this.#pnes.showKeys(pneId)
  }

  findRotatable(pneId: string) {
    return this.#pnes.findRotatable(pneId)
  }

  revokePne(pneId: string) {
    return this.#pnes.revoke(pneId)
  }

  /** Lines of the revocation log after number `seq`, oldest first; of other processes too. */
  revocationsSince(seq: number, limit: number) {
    return this.#store.revocationsSince(seq, limit)
  }

  /** The number of the newest line of the revocation log; 0 while there is none. */
  newestRevocation() {
    return this.#store.newestRevocation()
  }

  /** The same, for a link that begins: while the store is away, as far as is known. */
  newestRevocationForLink() {
    return this.#lookUps.newestRevocation()
  }

  async #removePendingInBackground(): Promise<void> {
    await this.removePending().catch((error) =>
      this.#logger?.warn({ event: 'assignments-not-removed', err: error }, 'unconfirmed assignments not removed'),
    )
  }

  async #gatewayRevoked(identity: string, lingerMs: number | undefined): Promise<void> {
    this.emit('gatewayRevoked', identity, lingerMs)
    await this.#radiusClients.refresh()
  }
}
