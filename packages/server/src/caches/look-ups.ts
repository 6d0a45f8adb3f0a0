// What authentication and links ask of the store, from memory where that is right: whose key a 2nd seed is, whether a PNE may be in
// the remote case at a gateway, what a gateway proves itself by, and what it must hold to. For a store that is a network away; SQLite
// answers as fast as this would. Secrets of gateways are remembered as they are stored, sealed.
//
// A change at any server ends what is remembered within a second, mostly at once (follower.ts). While the store is away, PNEs and
// gateways that this server has seen before are authenticated for a bounded time, but none whose revocation was heard.
import type { Follower } from '../bus/follower.ts'
import { LruMap } from '../registry/lru-map.ts'
import {
  type AdmissionRow,
  type GatewaySecretRow,
  type PneKeyRow,
  type Store,
  StoreError,
  type UserRow,
} from '../store/contract.ts'
import type { ChangeRow } from '../store/contract-changes.ts'
import { KeyTable } from './key-table.ts'
import { inTime, Remembered } from './remembered.ts'

const KEYS_MAX = 1_000_000
const ADMISSIONS_MAX = 20_000
const GATEWAYS_MAX = 20_000
const USERS_MAX = 20_000
const STRANGERS_MAX = 1000
/** A 2nd seed that nobody has is not looked up again for so long. */
const STRANGER_MS = 1000
/** How long what is remembered may serve while the store is away. */
const MAX_STALE_MS = 300_000

type Named<V extends object> = Remembered<string, V, LruMap<string, V>>

/** The look-ups, as the store has them. */
export type LookUps = Pick<
  Store,
  'findPneBySecondSeed' | 'findAdmission' | 'findGateway' | 'findUser' | 'newestRevocation'
>

interface CachedLookUpsOptions {
  readonly store: LookUps
  readonly follower: Pick<Follower, 'checkedAt' | 'isFresh' | 'isAway' | 'newestRevocation' | 'on'>
  readonly maxStaleMs?: number | undefined
  /** ms, by the clock of the follower */
  readonly now?: () => number
}

export class CachedLookUps implements LookUps {
  readonly #store: LookUps
  readonly #follower: CachedLookUpsOptions['follower']
  readonly #now: () => number
  readonly #maxStaleMs: number
  readonly #keys: Remembered<Uint8Array, PneKeyRow, KeyTable>
  readonly #admissions: Named<AdmissionRow>
  readonly #gateways: Named<GatewaySecretRow>
  readonly #users: Named<UserRow>
  /** When each was looked up in vain, the longest ago first. */
  readonly #strangers = new Map<string, number>()

  constructor({ store, follower, maxStaleMs = MAX_STALE_MS, now = () => performance.now() }: CachedLookUpsOptions) {
    this.#store = store
    this.#follower = follower
    this.#now = now
    this.#maxStaleMs = maxStaleMs
    const options = { validity: follower, maxStaleMs, now }
    this.#keys = new Remembered({ ...options, memory: new KeyTable(KEYS_MAX) })
    this.#admissions = new Remembered({ ...options, memory: new LruMap(ADMISSIONS_MAX) })
    this.#gateways = new Remembered({ ...options, memory: new LruMap(GATEWAYS_MAX) })
    this.#users = new Remembered({ ...options, memory: new LruMap(USERS_MAX) })
    follower.on('revoked', ({ pneIds }) => this.#keys.forgetSome((table) => table.deletePnes(pneIds)))
    follower.on('changed', ({ kind, subject }) => this.#changed(kind, subject))
    follower.on('lost', () => this.#forgetAll())
    follower.on('unsure', () => this.#forgetAll())
  }

  /** Only an active key is remembered: one that is pending may be confirmed at any moment, and others are refused anyway. */
  async findPneBySecondSeed(secondSeed: Uint8Array): Promise<PneKeyRow | undefined> {
    if (this.#isStranger(secondSeed)) return undefined
    const found = await this.#keys.get(secondSeed, () => this.#store.findPneBySecondSeed(secondSeed), isActive)
    if (found === undefined) this.#noteStranger(secondSeed)
    return found
  }

  findAdmission(userId: number, gateway: string): Promise<AdmissionRow | undefined> {
    const load = () => this.#store.findAdmission(userId, gateway)
    return this.#admissions.get(`${userId} ${gateway}`, load, isStanding)
  }

  /** With its secret sealed. A revoked one is not remembered, nor one that there is not: whoever says Hello may name any. */
  findGateway(identity: string): Promise<GatewaySecretRow | undefined> {
    return this.#gateways.get(identity, () => this.#store.findGateway(identity), isUnrevoked)
  }

  findUser(name: string): Promise<UserRow | undefined> {
    return this.#users.get(name, () => this.#store.findUser(name), isThere)
  }

  /** As the store says; while it is away, the newest that was read: of those that follow all gateways hear. */
  async newestRevocation(): Promise<number> {
    if (this.#follower.isAway && this.#mayServe()) return this.#follower.newestRevocation
    try {
      return await inTime(this.#store.newestRevocation())
    } catch (error) {
      if (error instanceof StoreError && this.#mayServe()) return this.#follower.newestRevocation
      throw error
    }
  }

  /** An admission names its user by number: with any user all of them go. */
  #changed(kind: ChangeRow['kind'], subject: string): void {
    if (kind === 'key') this.#keys.forget(Buffer.from(subject, 'hex'))
    if (kind === 'user') {
      this.#users.forget(subject)
      this.#admissions.clear()
    }
    if (kind === 'gateway') {
      this.#gateways.forget(subject)
      this.#admissions.forgetSome((map) => map.deleteWhere((_, key) => key.endsWith(` ${subject}`)))
    }
  }

  #mayServe(): boolean {
    return this.#now() - this.#follower.checkedAt <= this.#maxStaleMs
  }

  #forgetAll(): void {
    for (const remembered of [this.#keys, this.#admissions, this.#gateways, this.#users]) remembered.clear()
  }

  #isStranger(secondSeed: Uint8Array): boolean {
    const at = this.#strangers.size === 0 ? undefined : this.#strangers.get(hexOf(secondSeed))
    return at !== undefined && this.#now() - at < STRANGER_MS
  }

  #noteStranger(secondSeed: Uint8Array): void {
    const key = hexOf(secondSeed)
    this.#strangers.delete(key)
    this.#strangers.set(key, this.#now())
    if (this.#strangers.size <= STRANGERS_MAX) return
    for (const oldest of this.#strangers.keys()) {
      this.#strangers.delete(oldest)
      return
    }
  }
}

function hexOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex')
}

function isActive({ state }: PneKeyRow): boolean {
  return state === 'active'
}

function isStanding({ gatewayRevoked }: AdmissionRow): boolean {
  return !gatewayRevoked
}

function isUnrevoked({ revokedAt }: GatewaySecretRow): boolean {
  return revokedAt === null
}

function isThere({ removedAt }: UserRow): boolean {
  return removedAt === null
}
