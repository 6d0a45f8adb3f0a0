// The inventory of PNEs: found by their 2nd seeds and by people, and revoked. How they get in is in assignments.ts.
import { revocationTag } from '@opencpns/protocol'
import type { LookUps } from '../caches/look-ups.ts'
import type { EventLog } from '../events.ts'
import type { KeyRow, PneRow, RegistrationRow, RevocationRow, Store } from '../store/contract.ts'
import { RegistryError, unknownPne } from './errors.ts'
import type { FirstSeeds } from './first-seeds.ts'
import { findReferenced } from './reference.ts'
import type { Peer, Tell } from './types.ts'

interface PnesOptions {
  store: Store
  /** Where authentication looks up. */
  lookUps: LookUps
  firstSeeds: FirstSeeds
  events: EventLog | undefined
  tell: Tell
  now: () => number
}

/** Each method may reject with {@link StoreError}. */
export class Pnes {
  readonly #options: PnesOptions

  constructor(options: PnesOptions) {
    this.#options = options
  }

  /**
   * The PNE that a 2nd seed names, in whatever state, and the 1st seed that its EUKey is calculated from. Undefined, as if
   * there were none, when that was destroyed with its user.
   */
  async findPeer(secondSeed: Uint8Array): Promise<Peer | undefined> {
    const key = await this.#options.lookUps.findPneBySecondSeed(secondSeed)
    if (key === undefined) return undefined
    const opened = await this.#options.firstSeeds.open(key.userId, key.generation)
    if (opened === undefined) return undefined
    const { user, firstSeed } = opened
    const { pneId, state, userId, generation } = key
    return { pneId, state, userId, user, generation, firstSeed }
  }

  /**
   * The PNE with this pneId, or else the only one with this display name or this beginning of its pneId.
   * @throws {RegistryError} PNE_UNKNOWN, PNE_AMBIGUOUS
   */
  show(reference: string): Promise<PneRow> {
    return findReferenced(this.#options.store, reference)
  }

  /** The keys of a PNE, newest first, and its newest presence in a personal network. */
  async showKeys(pneId: string): Promise<{ keys: KeyRow[]; registered: RegistrationRow | null }> {
    const [keys, { items }] = await Promise.all([
      this.#options.store.listKeys(pneId),
      this.#options.store.listRegistrations({ pneId }, { limit: 1 }),
    ])
    return { keys, registered: items[0] ?? null }
  }

  /** A PNE whose key may be renewed. @param pneId  in full @throws {RegistryError} PNE_UNKNOWN, PNE_REVOKED */
  async findRotatable(pneId: string): Promise<PneRow> {
    const pne = await this.#options.store.findPne(pneId)
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
  async revoke(pneId: string): Promise<RevocationRow> {
    const { store, events, tell, now } = this.#options
    const pne = await store.findPne(pneId)
    if (pne === undefined) throw unknownPne()
    const revocation = await store.revokePne(pneId, revocationTag, now())
    if (revocation === undefined) throw unknownPne()
    if (pne.state !== 'revoked') {
      events?.record({ type: 'revocation', result: 'revoked', pneId, gateway: pne.gateway, user: pne.user })
      await tell((doors) => doors.emit('revoked', revocation))
    }
    return revocation
  }
}
