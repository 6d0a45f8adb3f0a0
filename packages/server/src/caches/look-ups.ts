// What authentication asks of the store, from memory where that is right: whose key a 2nd seed is, and whether a PNE may be in the
// remote case at a gateway. For a store that is a network away; SQLite answers as fast as this would.
//
// A change at any server ends what is remembered within a second, mostly at once (follower.ts). While the store is away, PNEs that
// this server has seen before are authenticated for a bounded time, but none whose revocation was heard.
import type { Follower } from '../bus/follower.ts'
import type { AdmissionRow, PneKeyRow, Store } from '../store/contract.ts'
import { Remembered } from './remembered.ts'

const KEYS_MAX = 20_000
const ADMISSIONS_MAX = 20_000
const STRANGERS_MAX = 1000
/** A 2nd seed that nobody has is not looked up again for so long. */
const STRANGER_MS = 1000
/** How long what is remembered may serve while the store is away. */
const MAX_STALE_MS = 300_000

/** The two look-ups, as the store has them. */
export type LookUps = Pick<Store, 'findPneBySecondSeed' | 'findAdmission'>

interface CachedLookUpsOptions {
  readonly store: LookUps
  readonly follower: Pick<Follower, 'checkedAt' | 'isFresh' | 'isAway' | 'on'>
  readonly maxStaleMs?: number | undefined
  /** ms, by the clock of the follower */
  readonly now?: () => number
}

export class CachedLookUps implements LookUps {
  readonly #store: LookUps
  readonly #now: () => number
  readonly #keys: Remembered<PneKeyRow>
  readonly #admissions: Remembered<AdmissionRow>
  /** When each was looked up in vain, the longest ago first. */
  readonly #strangers = new Map<string, number>()

  constructor({ store, follower, maxStaleMs = MAX_STALE_MS, now = () => performance.now() }: CachedLookUpsOptions) {
    this.#store = store
    this.#now = now
    this.#keys = new Remembered({ validity: follower, max: KEYS_MAX, maxStaleMs, now })
    this.#admissions = new Remembered({ validity: follower, max: ADMISSIONS_MAX, maxStaleMs, now })
    follower.on('revoked', ({ pneIds }) => {
      const revoked = new Set(pneIds)
      this.#keys.forgetWhere(({ pneId }) => revoked.has(pneId))
    })
    follower.on('changed', ({ kind, subject }) => {
      if (kind === 'key') this.#keys.forget(subject)
      else if (kind === 'user' || kind === 'gateway') this.#admissions.clear()
    })
    follower.on('lost', () => this.#forgetAll())
    follower.on('unsure', () => this.#forgetAll())
  }

  /** Only an active key is remembered: one that is pending may be confirmed at any moment, and others are refused anyway. */
  async findPneBySecondSeed(secondSeed: Uint8Array): Promise<PneKeyRow | undefined> {
    const key = Buffer.from(secondSeed.buffer, secondSeed.byteOffset, secondSeed.byteLength).toString('hex')
    if (this.#isStranger(key)) return undefined
    const found = await this.#keys.get(key, () => this.#store.findPneBySecondSeed(secondSeed), isActive)
    if (found === undefined) this.#noteStranger(key)
    return found
  }

  findAdmission(userId: number, gateway: string): Promise<AdmissionRow | undefined> {
    const load = () => this.#store.findAdmission(userId, gateway)
    return this.#admissions.get(`${userId} ${gateway}`, load, isStanding)
  }

  #forgetAll(): void {
    this.#keys.clear()
    this.#admissions.clear()
  }

  #isStranger(key: string): boolean {
    const at = this.#strangers.get(key)
    return at !== undefined && this.#now() - at < STRANGER_MS
  }

  #noteStranger(key: string): void {
    this.#strangers.delete(key)
    this.#strangers.set(key, this.#now())
    if (this.#strangers.size <= STRANGERS_MAX) return
    for (const oldest of this.#strangers.keys()) {
      this.#strangers.delete(oldest)
      return
    }
  }
}

function isActive({ state }: PneKeyRow): boolean {
  return state === 'active'
}

function isStanding({ gatewayRevoked }: AdmissionRow): boolean {
  return !gatewayRevoked
}
