// The registry: end users and their 1st seeds, gateways, the inventory of PNEs, revocation. The operations behind every
// door. It decides; the store keeps; the vault seals. Authentication (step 4 and 5) is authenticate.ts.
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Logger } from '@opencpns/io'
import { checkRealm, gatewayIdentity, KEY_OCTETS, revocationTag } from '@opencpns/protocol'
import type { LookUps } from '../caches/look-ups.ts'
import type { EventLog, NewEvent } from '../events.ts'
import { Operators } from '../operators.ts'
import type {
  GatewayFilter,
  GatewayRow,
  KeyRow,
  ListedGatewayRow,
  Page,
  PageRequest,
  PneCounts,
  PneFilter,
  PneRow,
  RegistrationRow,
  Removal,
  RevocationRow,
  Store,
  UserFilter,
  UserRow,
} from '../store/contract.ts'
import { StoreError } from '../store/contract.ts'
import type { ChangeRow } from '../store/contract-changes.ts'
import type { Vault } from '../vault.ts'
import { checkAssigned, checkReplaces, unlessTaken } from './checks.ts'
import { RegistryError, unknownGateway, unknownKey, unknownPne, unknownUser } from './errors.ts'
import { FirstSeeds } from './first-seeds.ts'
import { Generations } from './generations.ts'
import { checkDisplayName, checkName, makePneId } from './names.ts'
import { Others } from './others.ts'
import { Policies } from './policies.ts'
import { canonicalPrefix } from './prefix.ts'
import { RADIUS_SECRET_OCTETS, type RadiusClient, RadiusClients } from './radius-clients.ts'
import { findReferenced } from './reference.ts'
import { Registrations } from './registrations.ts'
import type { Assignment, GatewayCredential, LinkGateway, Peer, RegistryEvents, RegistryOptions } from './types.ts'

/** A gateway of a removed user still reads the revocation log, so that the PNEs that it paired end too. It may do nothing else. */
const LAST_WORDS_MS = 2000

/** How long an assignment may wait for its confirmation. */
const PENDING_LIFETIME_MS = 3_600_000
/** How long a retired key is remembered: sessions that began with it may still be reported, and its retirement repeated. */
const RETIRED_LIFETIME_MS = 30 * 24 * 3_600_000

type Outcome = Pick<NewEvent, 'type' | 'result' | 'ticket'>
const assignmentAccepted: Outcome = { type: 'assignment', result: 'accepted' }
const confirmationAccepted: Outcome = { type: 'confirmation', result: 'accepted' }
const rotationAssigned: Outcome = { type: 'rotation', result: 'assigned' }
const rotationConfirmed: Outcome = { type: 'rotation', result: 'confirmed' }
const rotationRetired: Outcome = { type: 'rotation', result: 'retired' }

function withTicket(ticketId: Uint8Array | undefined, outcome: Outcome): Outcome {
  return ticketId ? { ...outcome, ticket: Buffer.from(ticketId).toString('base64url') } : outcome
}

/**
 * Beside {@link RegistryError}, each method may reject with {@link StoreError}, and those that open a secret with
 * {@link VaultError}. What changes something resolves once the change is durable.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly realm: string
  readonly generations: Generations
  readonly operators: Operators
  readonly policies: Policies
  readonly registrations: Registrations
  readonly #store: Store
  readonly #lookUps: LookUps
  readonly #vault: Vault
  readonly #firstSeeds: FirstSeeds
  readonly #radiusClients: RadiusClients
  readonly #others: Others
  readonly #announce: (() => Promise<void>) | undefined
  readonly #events: EventLog | undefined
  readonly #logger: Logger | undefined
  readonly #now: () => number
  #housekeeping: NodeJS.Timeout | undefined

  constructor(options: RegistryOptions) {
    super()
    const { store, vault, realm, events, logger, lookUps = store, announce, now = Date.now } = options
    this.realm = checkRealm(realm)
    this.#lookUps = lookUps
    this.#announce = announce
    this.policies = new Policies({
      store,
      lookUps,
      events,
      onChange: (changed) => this.#tell(() => this.emit('policyChanged', changed)),
    })
    this.registrations = new Registrations(store, events)
    this.#store = store
    this.#vault = vault
    this.#firstSeeds = new FirstSeeds(store, vault)
    const onRevoked = (seq: number) => this.#tell(() => this.emit('revoked', { seq }))
    this.generations = new Generations({ store, firstSeeds: this.#firstSeeds, events, now, onRevoked })
    this.operators = new Operators({ store, vault, logger, now })
    this.#radiusClients = new RadiusClients(store, vault, logger)
    this.#others = new Others({
      store,
      firstSeeds: this.#firstSeeds,
      onPolicyChanged: (changed) => void this.emit('policyChanged', changed),
      onGatewayRevoked: (identity, isRemoved) => this.#gatewayRevoked(identity, isRemoved ? LAST_WORDS_MS : undefined),
    })
    this.#events = events
    this.#logger = logger
    this.#now = now
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

  /** @throws {RegistryError} NAME_INVALID, USER_EXISTS */
  async addUser(name: string): Promise<UserRow> {
    const sealedFirstSeed = this.#firstSeeds.make(checkName(name), 1)
    const adding = this.#store.addUser({ name, sealedFirstSeed, createdAt: this.#now() })
    const user = await unlessTaken(adding, 'USER_EXISTS', `the user ${name} exists already: choose another name`)
    this.#events?.record({ type: 'admin', result: 'user-added', user: name })
    return user
  }

  /**
   * Gives the user a 1st seed of the next generation: PNEs assigned from now on use it, the others keep theirs.
   * @throws {RegistryError} USER_UNKNOWN
   */
  async renewFirstSeed(name: string): Promise<UserRow> {
    const user = await this.#findUser(name)
    const generation = user.generation + 1
    const sealed = this.#firstSeeds.make(name, generation)
    await this.#store.addFirstSeed({ userId: user.id, generation, sealed, createdAt: this.#now() })
    this.#events?.record({ type: 'admin', result: 'first-seed-renewed', user: name })
    await this.#tell(() => this.emit('policyChanged', { user: name }))
    return { ...user, generation }
  }

  /**
   * For ever: destroys the 1st seeds of the user, which makes every EUKey from them uncomputable, and revokes all PNEs and
   * gateways of the user, in one transaction.
   * @throws {RegistryError} USER_UNKNOWN: there is none, or it was removed already
   */
  async removeUser(name: string): Promise<Removal> {
    const removal = await this.#store.removeUser(name, revocationTag, this.#now())
    if (removal === undefined) throw unknownUser()
    const { user, pnes, gateways, newestRevocation: seq } = removal
    this.#firstSeeds.forget(user.id, user.generation)
    await this.#radiusClients.refresh()
    this.#events?.record({ type: 'admin', result: 'user-removed', user: name })
    await this.#tell(() => {
      if (pnes > 0) this.emit('revoked', { seq })
      for (const identity of gateways) this.emit('gatewayRevoked', identity, LAST_WORDS_MS)
    })
    return removal
  }

  /** By name. */
  listUsers(filter: UserFilter, page: PageRequest): Promise<Page<UserRow>> {
    return this.#store.listUsers(filter, page)
  }

  /** How many PNEs a user has. */
  countPnes(userId: number): Promise<PneCounts> {
    return this.#store.countPnes(userId)
  }

  // Gateways

  /**
   * Adds the gateway `name@realm` of a user and makes its secret.
   * @param of.radius  for a RADIUS client: its address, or ADDRESS/PREFIX for all that share its secret
   * @throws {RegistryError} NAME_INVALID, USER_UNKNOWN, GATEWAY_EXISTS, ADDRESS_INVALID, ADDRESS_TAKEN
   */
  async addGateway(of: { name: string; user: string; radius?: string | undefined }): Promise<GatewayCredential> {
    const identity = gatewayIdentity(checkName(of.name), this.realm)
    const radius = of.radius === undefined ? null : canonicalPrefix(of.radius)
    const { id: userId } = await this.#findUser(of.user)
    const secret = randomBytes(radius === null ? KEY_OCTETS : RADIUS_SECRET_OCTETS)
    const sealedSecret = this.#vault.seal(radius === null ? 'gateway-secret' : 'radius-secret', identity, secret)
    const adding = this.#store.addGateway({ identity, radius, userId, sealedSecret, createdAt: this.#now() })
    await unlessTaken(adding, 'GATEWAY_EXISTS', `the gateway ${identity} exists already: choose another name`)
    await this.#radiusClients.refresh()
    this.#events?.record({ type: 'admin', result: 'gateway-added', gateway: identity, user: of.user })
    return { identity, radius, secret }
  }

  /** By identity. */
  listGateways(filter: GatewayFilter, page: PageRequest): Promise<Page<ListedGatewayRow>> {
    return this.#store.listGateways(filter, page)
  }

  /** Of a revoked one too. @throws {RegistryError} GATEWAY_UNKNOWN */
  async showGateway(identity: string): Promise<ListedGatewayRow> {
    const [gateway, pn] = await Promise.all([this.#store.findGateway(identity), this.#store.findPn(identity)])
    if (gateway === undefined) throw unknownGateway()
    const { sealedSecret, ...row } = gateway
    return { ...row, registered: pn?.registered ?? 0 }
  }

  /** The identity of a gateway that is named with or without the realm. @throws {RegistryError} NAME_INVALID */
  gatewayNamed(name: string): string {
    return name.includes('@') ? name : gatewayIdentity(checkName(name), this.realm)
  }

  /** For ever. The PNEs that it assigned stay as they are. Idempotent. @throws {RegistryError} GATEWAY_UNKNOWN */
  async revokeGateway(identity: string): Promise<GatewayRow> {
    const gateway = await this.#store.revokeGateway(identity, this.#now())
    if (gateway === undefined) throw unknownGateway()
    await this.#radiusClients.refresh()
    this.#events?.record({ type: 'admin', result: 'gateway-revoked', gateway: identity, user: gateway.user })
    await this.#tell(() => this.emit('gatewayRevoked', identity))
    return gateway
  }

  /** What a link with this gateway is authenticated by; undefined when it is unknown, revoked, or a RADIUS client. */
  async findGatewayForLink(identity: string): Promise<LinkGateway | undefined> {
    const gateway = await this.#store.findGateway(identity)
    if (gateway === undefined || gateway.revokedAt !== null || gateway.radius !== null) return undefined
    const secret = this.#vault.open('gateway-secret', identity, gateway.sealedSecret)
    return { identity, userId: gateway.userId, user: gateway.user, secret }
  }

  /** Whether this is a gateway, of whichever kind, that is not revoked. */
  async isGateway(identity: string): Promise<boolean> {
    const gateway = await this.#store.findGateway(identity)
    return gateway !== undefined && gateway.revokedAt === null
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

  /**
   * Enters a PNE that a gateway pairs, or a further key of one that it rotates, as `pending`, under the newest 1st seed of the
   * gateway's user. Asked again by the same gateway with the same 2nd seed, the answer is the same.
   * @param of.secondSeed  32 octets, made by the gateway
   * @param of.replaces  for a further key, the 2nd seed of the active one that it is to replace
   * @param of.ticketId  of the pairing ticket, for the record
   * @throws {RegistryError} NAME_INVALID, GATEWAY_UNKNOWN, ASSIGNED_ELSEWHERE, PNE_REVOKED, KEY_RETIRED, KEY_UNKNOWN
   */
  async assignPne(of: {
    gatewayIdentity: string
    secondSeed: Uint8Array
    name?: string | undefined
    replaces?: Uint8Array | undefined
    ticketId?: Uint8Array | undefined
  }): Promise<Assignment> {
    const { gatewayIdentity: gateway, secondSeed, replaces, ticketId } = of
    const result = withTicket(ticketId, replaces === undefined ? assignmentAccepted : rotationAssigned)
    return this.#recorded(gateway, result, async () => {
      const key = replaces ? await this.#assignKey(gateway, secondSeed, replaces) : await this.#assignPne(of)
      const { pneId, user, userId, generation } = checkAssigned(key, gateway)
      const opened = await this.#firstSeeds.open(userId, generation)
      if (opened === undefined) throw unknownGateway()
      return { pneId, user, generation, firstSeed: opened.firstSeed }
    })
  }

  /**
   * The PNE has stored its credential: makes the key `active`, and the PNE. Idempotent.
   * @throws {RegistryError} PNE_UNKNOWN, GATEWAY_UNKNOWN, ASSIGNED_ELSEWHERE, PNE_REVOKED, KEY_RETIRED
   */
  async confirmPne(of: {
    gatewayIdentity: string
    secondSeed: Uint8Array
    ticketId?: Uint8Array | undefined
  }): Promise<{ pneId: string; user: string }> {
    const { gatewayIdentity: gateway, secondSeed, ticketId } = of
    const result = (key?: KeyRow) => withTicket(ticketId, key?.replaces ? rotationConfirmed : confirmationAccepted)
    return this.#recorded(gateway, result, async () => {
      const row = await this.#store.confirmPne(secondSeed, gateway, this.#now())
      if (row === undefined) throw unknownPne()
      const key = checkAssigned(row, gateway)
      if (key.state === 'pending') throw unknownGateway()
      return key
    })
  }

  /**
   * The PNE has used the key that replaces this one: makes this one `retired`. Idempotent.
   * @throws {RegistryError} PNE_UNKNOWN, GATEWAY_UNKNOWN, ASSIGNED_ELSEWHERE, PNE_REVOKED, KEY_LAST: no other key is active
   */
  async retireKey(of: { gatewayIdentity: string; secondSeed: Uint8Array }): Promise<{ pneId: string; user: string }> {
    const { gatewayIdentity: gateway, secondSeed } = of
    return this.#recorded(gateway, rotationRetired, async () => {
      const key = await this.#store.retireKey(secondSeed, gateway, this.#now())
      if (key === undefined) throw unknownPne()
      if (key.state === 'retired' && key.gateway === gateway) {
        await this.#announce?.()
        return key
      }
      checkAssigned(key, gateway)
      if (!(await this.isGateway(gateway))) throw unknownGateway()
      throw new RegistryError('KEY_LAST', 'this PNE has no other active key: confirm the new one first')
    })
  }

  // Authentication

  /**
   * The PNE that a 2nd seed names, in whatever state, and the 1st seed that its EUKey is calculated from. Undefined, as if
   * there were none, when that was destroyed with its user.
   */
  async findPeer(secondSeed: Uint8Array): Promise<Peer | undefined> {
    const key = await this.#lookUps.findPneBySecondSeed(secondSeed)
    if (key === undefined) return undefined
    const opened = await this.#firstSeeds.open(key.userId, key.generation)
    if (opened === undefined) return undefined
    const { user, firstSeed } = opened
    const { pneId, state, userId, generation } = key
    return { pneId, state, userId, user, generation, firstSeed }
  }

  // Inventory and revocation

  /** Newest first. */
  listPnes(filter: PneFilter, page: PageRequest): Promise<Page<PneRow>> {
    return this.#store.listPnes(filter, page)
  }

  /**
   * The PNE with this pneId, or else the only one with this display name or this beginning of its pneId.
   * @throws {RegistryError} PNE_UNKNOWN, PNE_AMBIGUOUS
   */
  showPne(reference: string): Promise<PneRow> {
    return findReferenced(this.#store, reference)
  }

  /** The keys of a PNE, newest first, and its newest presence in a personal network. */
  async showKeys(pneId: string): Promise<{ keys: KeyRow[]; registered: RegistrationRow | null }> {
    const [keys, { items }] = await Promise.all([
      this.#store.listKeys(pneId),
      this.#store.listRegistrations({ pneId }, { limit: 1 }),
    ])
    return { keys, registered: items[0] ?? null }
  }

  /** A PNE whose key may be renewed. @param pneId  in full @throws {RegistryError} PNE_UNKNOWN, PNE_REVOKED */
  async findRotatable(pneId: string): Promise<PneRow> {
    const pne = await this.#store.findPne(pneId)
    if (pne === undefined) throw unknownPne()
    if (pne.state === 'revoked') throw new RegistryError('PNE_REVOKED', 'this PNE is revoked: pair it anew')
    return pne
  }

  /**
   * For ever: makes the PNE `revoked` and appends the tag of each of its keys to the revocation log. Idempotent.
   * @param pneId  in full
   * @returns the newest of these lines
   * @throws {RegistryError} PNE_UNKNOWN
   */
  async revokePne(pneId: string): Promise<RevocationRow> {
    const pne = await this.#store.findPne(pneId)
    if (pne === undefined) throw unknownPne()
    const revocation = await this.#store.revokePne(pneId, revocationTag, this.#now())
    if (revocation === undefined) throw unknownPne()
    if (pne.state !== 'revoked') {
      this.#events?.record({ type: 'revocation', result: 'revoked', pneId, gateway: pne.gateway, user: pne.user })
      await this.#tell(() => this.emit('revoked', revocation))
    }
    return revocation
  }

  /** Lines of the revocation log after number `seq`, oldest first; of other processes too. */
  revocationsSince(seq: number, limit: number): Promise<RevocationRow[]> {
    return this.#store.revocationsSince(seq, limit)
  }

  /** The number of the newest line of the revocation log; 0 while there is none. */
  newestRevocation(): Promise<number> {
    return this.#store.newestRevocation()
  }

  /** Removes assignments that waited for their confirmation for over an hour, and keys retired long ago. Gives the number of the former. */
  async removePending(): Promise<number> {
    const [count] = await Promise.all([
      this.#store.removePendingPnes(this.#now() - PENDING_LIFETIME_MS),
      this.#store.removeRetiredKeys(this.#now() - RETIRED_LIFETIME_MS),
    ])
    if (count > 0)
      this.#logger?.info({ event: 'assignments-removed', count }, 'removed assignments that were never confirmed')
    return count
  }

  async #removePendingInBackground(): Promise<void> {
    await this.removePending().catch((error) =>
      this.#logger?.warn({ event: 'assignments-not-removed', err: error }, 'unconfirmed assignments not removed'),
    )
  }

  /** Tells all servers of a change, or without others the doors of this one. */
  async #tell(emit: () => void): Promise<void> {
    if (this.#announce) await this.#announce()
    else emit()
  }

  async #gatewayRevoked(identity: string, lingerMs: number | undefined): Promise<void> {
    this.emit('gatewayRevoked', identity, lingerMs)
    await this.#radiusClients.refresh()
  }

  async #findUser(name: string): Promise<UserRow> {
    const user = await this.#store.findUser(name)
    if (user === undefined || user.removedAt !== null) throw unknownUser()
    return user
  }

  #assignPne(of: Parameters<Registry['assignPne']>[0]): Promise<KeyRow | undefined> {
    const { gatewayIdentity: gateway, secondSeed } = of
    const name = checkDisplayName(of.name)
    return this.#store.assignPne({ pneId: makePneId(), secondSeed, gateway, name, createdAt: this.#now() })
  }

  async #assignKey(gateway: string, secondSeed: Uint8Array, replaces: Uint8Array): Promise<KeyRow | undefined> {
    const key = await this.#store
      .assignKey({ secondSeed, replaces, gateway, createdAt: this.#now() })
      .catch((cause: unknown) => {
        throw cause instanceof StoreError && cause.code === 'STORE_UNKNOWN_KEY' ? unknownKey() : cause
      })
    return key && checkReplaces(key, replaces)
  }

  /** Does what a gateway asked for and records how it ended. @param name  what that is called, of a key or of a refusal */
  async #recorded<T extends { pneId: string; user: string }>(
    gateway: string,
    name: Outcome | ((done?: T) => Outcome),
    act: () => Promise<T>,
  ): Promise<T> {
    const outcome = typeof name === 'function' ? name : () => name
    try {
      const done = await act()
      this.#events?.record({ ...outcome(done), pneId: done.pneId, gateway, user: done.user })
      return done
    } catch (error) {
      const reason = error instanceof RegistryError || error instanceof StoreError ? error.code : 'INTERNAL_ERROR'
      this.#events?.record({ ...outcome(), result: 'refused', reason, gateway })
      throw error
    }
  }
}
