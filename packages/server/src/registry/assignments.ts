// Key assignment: what gateways ask for when they pair a PNE, rotate its key, and find that it has the new one. Each request is
// idempotent, is recorded with how it ended, and tells nothing about what another gateway assigned.
import type { Logger } from '@opencpns/io'
import type { EventLog, NewEvent } from '../events.ts'
import { type KeyRow, type Store, StoreError } from '../store/contract.ts'
import { checkAssigned, checkReplaces } from './checks.ts'
import { RegistryError, unknownGateway, unknownKey, unknownPne } from './errors.ts'
import type { FirstSeeds } from './first-seeds.ts'
import { checkDisplayName, makePneId } from './names.ts'
import type { Assignment, NewAssignment } from './types.ts'

/** How long an assignment may wait for its confirmation. */
export const PENDING_LIFETIME_MS = 3_600_000
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

interface AssignmentsOptions {
  store: Store
  firstSeeds: FirstSeeds
  isGateway: (identity: string) => Promise<boolean>
  announce: (() => Promise<void>) | undefined
  events: EventLog | undefined
  logger: Logger | undefined
  now: () => number
}

/** What changes something resolves once the change is durable. Each method may reject with {@link StoreError}. */
export class Assignments {
  readonly #options: AssignmentsOptions

  constructor(options: AssignmentsOptions) {
    this.#options = options
  }

  /**
   * Enters a PNE that a gateway pairs, or a further key of one that it rotates, as `pending`, under the newest 1st seed of the
   * gateway's user. Asked again by the same gateway with the same 2nd seed, the answer is the same.
   * @throws {RegistryError} NAME_INVALID, GATEWAY_UNKNOWN, ASSIGNED_ELSEWHERE, PNE_REVOKED, KEY_RETIRED, KEY_UNKNOWN
   */
  async assign(of: NewAssignment): Promise<Assignment> {
    const { gatewayIdentity: gateway, secondSeed, replaces, ticketId } = of
    const result = withTicket(ticketId, replaces === undefined ? assignmentAccepted : rotationAssigned)
    return this.#recorded(gateway, result, async () => {
      const key = replaces ? await this.#assignKey(gateway, secondSeed, replaces) : await this.#assignPne(of)
      const { pneId, user, userId, generation } = checkAssigned(key, gateway)
      const opened = await this.#options.firstSeeds.open(userId, generation)
      if (opened === undefined) throw unknownGateway()
      return { pneId, user, generation, firstSeed: opened.firstSeed }
    })
  }

  /**
   * The PNE has stored its credential: makes the key `active`, and the PNE. Idempotent.
   * @throws {RegistryError} PNE_UNKNOWN, GATEWAY_UNKNOWN, ASSIGNED_ELSEWHERE, PNE_REVOKED, KEY_RETIRED
   */
  async confirm(of: {
    gatewayIdentity: string
    secondSeed: Uint8Array
    ticketId?: Uint8Array | undefined
  }): Promise<{ pneId: string; user: string }> {
    const { gatewayIdentity: gateway, secondSeed, ticketId } = of
    const result = (key?: KeyRow) => withTicket(ticketId, key?.replaces ? rotationConfirmed : confirmationAccepted)
    return this.#recorded(gateway, result, async () => {
      const row = await this.#options.store.confirmPne(secondSeed, gateway, this.#options.now())
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
  async retire(of: { gatewayIdentity: string; secondSeed: Uint8Array }): Promise<{ pneId: string; user: string }> {
    const { gatewayIdentity: gateway, secondSeed } = of
    return this.#recorded(gateway, rotationRetired, async () => {
      const key = await this.#options.store.retireKey(secondSeed, gateway, this.#options.now())
      if (key === undefined) throw unknownPne()
      if (key.state === 'retired' && key.gateway === gateway) {
        await this.#options.announce?.()
        return key
      }
      checkAssigned(key, gateway)
      if (!(await this.#options.isGateway(gateway))) throw unknownGateway()
      throw new RegistryError('KEY_LAST', 'this PNE has no other active key: confirm the new one first')
    })
  }

  /** Removes assignments that waited for their confirmation for over an hour, and keys retired long ago. Gives the number of the former. */
  async removePending(): Promise<number> {
    const [count] = await Promise.all([
      this.#options.store.removePendingPnes(this.#options.now() - PENDING_LIFETIME_MS),
      this.#options.store.removeRetiredKeys(this.#options.now() - RETIRED_LIFETIME_MS),
    ])
    if (count > 0)
      this.#options.logger?.info(
        { event: 'assignments-removed', count },
        'removed assignments that were never confirmed',
      )
    return count
  }

  #assignPne(of: NewAssignment): Promise<KeyRow | undefined> {
    const { gatewayIdentity: gateway, secondSeed } = of
    const name = checkDisplayName(of.name)
    return this.#options.store.assignPne({
      pneId: makePneId(),
      secondSeed,
      gateway,
      name,
      createdAt: this.#options.now(),
    })
  }

  async #assignKey(gateway: string, secondSeed: Uint8Array, replaces: Uint8Array): Promise<KeyRow | undefined> {
    const key = await this.#options.store
      .assignKey({ secondSeed, replaces, gateway, createdAt: this.#options.now() })
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
      this.#options.events?.record({ ...outcome(done), pneId: done.pneId, gateway, user: done.user })
      return done
    } catch (error) {
      const reason = error instanceof RegistryError || error instanceof StoreError ? error.code : 'INTERNAL_ERROR'
      this.#options.events?.record({ ...outcome(), result: 'refused', reason, gateway })
      throw error
    }
  }
}
