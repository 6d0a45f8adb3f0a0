// End users: added, given a 1st seed of the next generation, removed for ever. Their policies are in policies.ts, what becomes of
// old generations in generations.ts.
import { revocationTag } from '@opencpns/protocol'
import type { EventLog } from '../events.ts'
import type { Removal, Store, UserRow } from '../store/contract.ts'
import { checkUser, unlessTaken } from './checks.ts'
import { unknownUser } from './errors.ts'
import type { FirstSeeds } from './first-seeds.ts'
import { checkName } from './names.ts'
import type { RadiusClients } from './radius-clients.ts'
import type { Tell } from './types.ts'

/** A gateway of a removed user still reads the revocation log, so that the PNEs that it paired end too. It may do nothing else. */
export const LAST_WORDS_MS = 2000

interface UsersOptions {
  store: Store
  firstSeeds: FirstSeeds
  radiusClients: RadiusClients
  events: EventLog | undefined
  tell: Tell
  now: () => number
}

/** What changes something resolves once the change is durable. Each method may reject with {@link StoreError}. */
export class Users {
  readonly #options: UsersOptions

  constructor(options: UsersOptions) {
    this.#options = options
  }

  /** @throws {RegistryError} NAME_INVALID, USER_EXISTS */
  async add(name: string): Promise<UserRow> {
    const { store, firstSeeds, events, now } = this.#options
    const sealedFirstSeed = firstSeeds.make(checkName(name), 1)
    const adding = store.addUser({ name, sealedFirstSeed, createdAt: now() })
    const user = await unlessTaken(adding, 'USER_EXISTS', `the user ${name} exists already: choose another name`)
    events?.record({ type: 'admin', result: 'user-added', user: name })
    return user
  }

  /**
   * Gives the user a 1st seed of the next generation: PNEs assigned from now on use it, the others keep theirs.
   * @throws {RegistryError} USER_UNKNOWN
   */
  async renewFirstSeed(name: string): Promise<UserRow> {
    const { store, firstSeeds, events, tell, now } = this.#options
    const user = checkUser(await store.findUser(name))
    const generation = user.generation + 1
    const sealed = firstSeeds.make(name, generation)
    await store.addFirstSeed({ userId: user.id, generation, sealed, createdAt: now() })
    events?.record({ type: 'admin', result: 'first-seed-renewed', user: name })
    await tell((doors) => doors.emit('policyChanged', { user: name }))
    return { ...user, generation }
  }

  /**
   * For ever: destroys the 1st seeds of the user, which makes every EUKey from them uncomputable, and revokes all PNEs and
   * gateways of the user, in one transaction.
   * @throws {RegistryError} USER_UNKNOWN: there is none, or it was removed already
   */
  async remove(name: string): Promise<Removal> {
    const { store, firstSeeds, radiusClients, events, tell, now } = this.#options
    const removal = await store.removeUser(name, revocationTag, now())
    if (removal === undefined) throw unknownUser()
    const { user, pnes, gateways, newestRevocation: seq } = removal
    firstSeeds.forget(user.id, user.generation)
    await radiusClients.refresh()
    events?.record({ type: 'admin', result: 'user-removed', user: name })
    await tell((doors) => {
      if (pnes > 0) doors.emit('revoked', { seq })
      for (const identity of gateways) doors.emit('gatewayRevoked', identity, LAST_WORDS_MS)
    })
    return removal
  }
}
