// The 1st seeds: made here, sealed by the vault, kept by the store. The opened ones of recent use stay in memory, so that
// an authentication does not decrypt. A (user, generation) never gets another seed, so nothing here goes stale.
import { randomBytes } from 'node:crypto'
import { SEED_OCTETS } from '@opencpns/protocol'
import type { Store } from '../store/contract.ts'
import type { Vault } from '../vault.ts'
import { LruMap } from './lru-map.ts'

const OPENED_MAX = 10_000

export interface OpenedFirstSeed {
  user: string
  /** 32 octets, shared: not to be changed. */
  firstSeed: Buffer
}

export class FirstSeeds {
  readonly #store: Store
  readonly #vault: Vault
  readonly #opened: LruMap<string, OpenedFirstSeed>

  constructor(store: Store, vault: Vault, max = OPENED_MAX) {
    this.#store = store
    this.#vault = vault
    this.#opened = new LruMap(max)
  }

  /** A new 1st seed, sealed to its user and generation. */
  make(user: string, generation: number): Buffer {
    return this.#vault.seal('first-seed', rowIdentity(user, generation), randomBytes(SEED_OCTETS))
  }

  /**
   * Undefined once it was destroyed: with its user, or when its generation was retired.
   * @throws {VaultError} the sealed seed was changed, moved, or sealed under another master key
   */
  async open(userId: number, generation: number): Promise<OpenedFirstSeed | undefined> {
    return this.#opened.get(`${userId}/${generation}`) ?? (await this.#read(userId, generation))
  }

  /** Overwrites the opened 1st seeds of a user who was removed. */
  forget(userId: number, newestGeneration: number): void {
    for (let generation = 1; generation <= newestGeneration; generation++) this.forgetOne(userId, generation)
  }

  /** Overwrites the opened 1st seed of a generation that was retired. */
  forgetOne(userId: number, generation: number): void {
    this.#opened.get(`${userId}/${generation}`)?.firstSeed.fill(0)
    this.#opened.delete(`${userId}/${generation}`)
  }

  async #read(userId: number, generation: number): Promise<OpenedFirstSeed | undefined> {
    const row = await this.#store.findFirstSeed(userId, generation)
    if (row === undefined) throw new TypeError('a PNE names a 1st seed that is not there')
    if (row.sealed.length === 0) return undefined
    const firstSeed = this.#vault.open('first-seed', rowIdentity(row.user, generation), row.sealed)
    const opened = { user: row.user, firstSeed }
    this.#opened.set(`${userId}/${generation}`, opened)
    return opened
  }
}

function rowIdentity(user: string, generation: number): string {
  return `${user}/${generation}`
}
