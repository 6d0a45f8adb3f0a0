// The generations of a user's 1st seed: what becomes of the old ones once keys have been rotated to the newest.
import { revocationTag } from '@opencpns/protocol'
import type { EventLog } from '../events.ts'
import type { GenerationRetirement, GenerationRow, Store, UserRow } from '../store/contract.ts'
import { RegistryError, unknownUser } from './errors.ts'
import type { FirstSeeds } from './first-seeds.ts'

interface GenerationsOptions {
  store: Store
  firstSeeds: FirstSeeds
  events: EventLog | undefined
  now: () => number
  /** The revocation log has grown to this number. */
  onRevoked: (seq: number) => Promise<void>
}

/** Each method may reject with {@link StoreError}. */
export class Generations {
  readonly #options: GenerationsOptions

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  /** Oldest first; of a removed user too. @throws {RegistryError} USER_UNKNOWN */
  async list(name: string): Promise<GenerationRow[]> {
    const { id } = await this.#findUser(name)
    return this.#options.store.listGenerations(id)
  }

  /**
   * For ever: destroys the 1st seed of an old generation, which makes every EUKey from it uncomputable. With `force` the keys
   * that still use it are revoked, and so are PNEs that have no other. Idempotent.
   * @throws {RegistryError} USER_UNKNOWN, GENERATION_UNKNOWN, GENERATION_NEWEST, GENERATION_IN_USE
   */
  async retire(name: string, generation: number, { force = false } = {}): Promise<GenerationRetirement> {
    const { store, firstSeeds, events, now, onRevoked } = this.#options
    const user = await this.#findUser(name)
    if (user.removedAt !== null) throw unknownUser()
    checkOld(generation, user)
    const of = { userId: user.id, generation, force, tagOf: revocationTag, at: now() }
    const retirement = await store.retireGeneration(of)
    if (!retirement.retired) throw inUse(retirement.keys)
    firstSeeds.forgetOne(user.id, generation)
    events?.record({ type: 'admin', result: 'generation-retired', user: name })
    if (retirement.keys > 0) await onRevoked(retirement.newestRevocation)
    return retirement
  }

  async #findUser(name: string): Promise<UserRow> {
    const user = await this.#options.store.findUser(name)
    if (user === undefined) throw unknownUser()
    return user
  }
}

function checkOld(generation: number, { generation: newest }: UserRow): void {
  if (generation === newest) {
    throw new RegistryError('GENERATION_NEWEST', 'this is the newest generation: rotate the user first')
  }
  if (generation >= 1 && generation < newest) return
  throw new RegistryError('GENERATION_UNKNOWN', `the user has generations 1 to ${newest}: give one of them`)
}

function inUse(keys: number): RegistryError {
  const what = keys === 1 ? '1 active key uses' : `${keys} active keys use`
  return new RegistryError(
    'GENERATION_IN_USE',
    `${what} this generation: wait until the PNEs have rotated, or retire it by force, which revokes them`,
  )
}
