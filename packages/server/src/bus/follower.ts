// Keeps up with what other servers of the store change: reads on in the revocation log and in the log of changes, twice a second
// and when the bus says so. A message that is lost delays what it was about; it loses nothing.
//
// What this server changes itself comes by here too, so there is one way for all.
import { EventEmitter } from 'node:events'
import type { Logger } from '@opencpns/io'
import { type Store, StoreError } from '../store/contract.ts'
import type { ChangeRow } from '../store/contract-changes.ts'
import type { Bus } from './bus.ts'

const POLL_MS = 500
/** What was read so long ago is no longer sure to hold. */
const FRESH_MS = 1000
/** Without an answer for so long the store counts as away. */
const AWAY_MS = 1500
const PAGE = 1000

export interface FollowerEvents {
  /** The revocation log has grown to `seq`, by these PNEs. */
  revoked: [{ seq: number; pneIds: readonly string[] }]
  /** A line of the log of changes. */
  changed: [Pick<ChangeRow, 'kind' | 'subject'>]
  /** Lines were missed: whatever is held in memory may be out of date. */
  lost: []
  /** Something was changed, and the store does not say what. */
  unsure: []
}

interface FollowerOptions {
  readonly store: Pick<Store, 'newestLines' | 'revocationsSince' | 'changesSince'>
  readonly bus: Bus
  readonly logger: Logger
  /** ms of a clock that never goes back */
  readonly now?: () => number
}

export class Follower extends EventEmitter<FollowerEvents> {
  readonly #options: FollowerOptions
  readonly #now: () => number
  readonly #unsubscribe: () => void
  #place = { revocation: 0, change: 0 }
  #checkedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #complained = false

  constructor(options: FollowerOptions) {
    super()
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#unsubscribe = options.bus.subscribe(({ type }) => {
      if (type === 'changed') void this.look().catch(() => this.emit('unsure'))
    })
  }

  /** Begins where the logs end now. @throws {StoreError} */
  async start(): Promise<void> {
    const startedAt = this.#now()
    this.#place = await this.#options.store.newestLines()
    this.#checkedAt = startedAt
    this.#timer = setInterval(() => void this.look().catch((error) => this.#complain(error)), POLL_MS).unref()
  }

  /** When the logs were last read to their end, by the clock of the options: whatever is held was right at that time. */
  get checkedAt(): number {
    return this.#checkedAt
  }

  /** Whether what is held in memory is right, give or take a second. */
  get isFresh(): boolean {
    return this.#now() - this.#checkedAt <= FRESH_MS
  }

  /** The number of the newest line of the revocation log that was read. */
  get newestRevocation(): number {
    return this.#place.revocation
  }

  /** Whether the store gives no answers. */
  get isAway(): boolean {
    return this.#now() - this.#checkedAt > AWAY_MS
  }

  /** This server has changed something: all learn of it. Resolves when this one has, or when that will take longer. */
  async announce(): Promise<void> {
    this.#options.bus.publish({ type: 'changed' })
    await this.look().catch((error) => this.#complain(error))
  }

  /** Reads what is new. Whatever was changed before the call has been heard when it resolves. @throws {StoreError} */
  look(): Promise<void> {
    if (!this.#looking) return this.#begin()
    // The one under way may have asked before the change: another one follows, for all who come meanwhile.
    this.#next ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.#begin()
      })
    return this.#next
  }

  close(): void {
    clearInterval(this.#timer)
    this.#unsubscribe()
    this.removeAllListeners()
  }

  #begin(): Promise<void> {
    this.#looking = this.#read().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #read(): Promise<void> {
    const beganAt = this.#now()
    const newest = await this.#options.store.newestLines()
    const isRestored = newest.revocation < this.#place.revocation || newest.change < this.#place.change
    if (isRestored) this.#lose(newest)
    while (this.#place.revocation < newest.revocation) await this.#readRevocations()
    while (this.#place.change < newest.change) await this.#readChanges(newest)
    this.#checkedAt = beganAt
    this.#complained = false
  }

  async #readRevocations(): Promise<void> {
    const rows = await this.#options.store.revocationsSince(this.#place.revocation, PAGE)
    const seq = rows.at(-1)?.seq
    if (seq === undefined) throw new StoreError('STORE_FAILED', 'the revocation log ends before its newest line')
    this.#place.revocation = seq
    this.emit('revoked', { seq, pneIds: [...new Set(rows.map(({ pneId }) => pneId))] })
  }

  /** Lines have numbers without gaps: where one is missing, it was too old to be kept. */
  async #readChanges(newest: { revocation: number; change: number }): Promise<void> {
    const rows = await this.#options.store.changesSince(this.#place.change, PAGE)
    if (rows[0]?.seq !== this.#place.change + 1) return this.#lose(newest)
    for (const { seq, kind, subject } of rows) {
      this.#place.change = seq
      this.emit('changed', { kind, subject })
    }
  }

  #lose(newest: { revocation: number; change: number }): void {
    this.#place = { ...newest }
    this.#options.logger.warn({ event: 'changes-lost' }, 'changes by other servers were missed: all is read anew')
    this.emit('lost')
  }

  #complain(err: unknown): void {
    if (this.#complained) return
    this.#complained = true
    this.#options.logger.warn({ event: 'store-away', err }, 'what other servers change cannot be read now')
  }
}
