// Which gateways are connected, at whichever replica: each replica tells the store of its own links, batched, and beats every
// few seconds. Links of a replica that beats no more do not count.
import { randomBytes } from 'node:crypto'
import type { Logger } from '@opencpns/io'
import type { LinkChange, OperatorStore } from './store/contract-operator.ts'

const BEAT_MS = 5000
/** Changes wait so long for others: at a start thousands of gateways come at once. */
const GATHER_MS = 200
/** Three beats. */
const ALIVE_MS = 15_000
const FORGET_MS = 3_600_000

interface LinksOptions {
  store: OperatorStore
  logger: Logger
  /** ms since the epoch */
  now: () => number
}

export class Links {
  /** Name of this replica: another one at each start. */
  readonly replica = randomBytes(9).toString('base64url')
  readonly #store: OperatorStore
  readonly #logger: Logger
  readonly #now: () => number
  /** Gateways with a link here, and since when. */
  readonly #own = new Map<string, number>()
  /** Not told yet: of each gateway the newest. */
  #changes = new Map<string, LinkChange>()
  #beating: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor({ store, logger, now }: LinksOptions) {
    this.#store = store
    this.#logger = logger
    this.#now = now
  }

  /** Tells that the replica is there, and goes on to until {@link close}. @throws {StoreError} */
  async start(): Promise<void> {
    await this.#beat()
    this.#schedule(BEAT_MS)
  }

  /** A gateway has a link here, for the first time or again. */
  came(gateway: string): void {
    this.#own.set(gateway, this.#now())
    this.#note(gateway, true)
  }

  /** A gateway has no link here any more. */
  went(gateway: string): void {
    if (this.#own.delete(gateway)) this.#note(gateway, false)
  }

  /** How many gateways are connected. @throws {StoreError} */
  async count(): Promise<number> {
    return Math.max(this.#own.size, await this.#store.countLinks(this.#aliveAfter()))
  }

  /** How many replicas there are beside this one, those included that have died a moment ago. @throws {StoreError} */
  otherReplicas(): Promise<number> {
    return this.#store.countOtherReplicas(this.replica, this.#aliveAfter())
  }

  /** Since when gateways are connected, by identity; those that are not are not there. @throws {StoreError} */
  async connectedSince(gateways: readonly string[]): Promise<Map<string, number>> {
    const since = new Map<string, number>()
    if (gateways.length === 0) return since
    for (const link of await this.#store.listLinks(this.#aliveAfter(), gateways)) {
      if (link.replica === this.replica) continue
      since.set(link.gateway, Math.min(link.since, since.get(link.gateway) ?? link.since))
    }
    // Of our own links we know more than the store.
    for (const gateway of gateways) {
      const own = this.#own.get(gateway)
      if (own !== undefined) since.set(gateway, Math.min(own, since.get(gateway) ?? own))
    }
    return since
  }

  /** The replica goes. The store must still be open. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#beating
    await this.#store
      .dropReplica(this.replica)
      .catch((err) =>
        this.#logger.warn(
          { event: 'links-not-removed', err },
          'the links of this server could not be removed: they run out',
        ),
      )
  }

  #note(gateway: string, connected: boolean): void {
    this.#changes.set(gateway, { gateway, connected, at: this.#now() })
    if (this.#changes.size === 1 && !this.#isClosed) this.#schedule(GATHER_MS)
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#beatAgain(), afterMs).unref()
  }

  async #beatAgain(): Promise<void> {
    this.#beating = this.#beat().catch((err) => {
      this.#logger.warn(
        { event: 'links-not-told', err },
        'the links of this server could not be told: they are told again',
      )
    })
    await this.#beating
    if (!this.#isClosed) this.#schedule(this.#changes.size > 0 ? GATHER_MS : BEAT_MS)
  }

  async #beat(): Promise<void> {
    const at = this.#now()
    const telling = this.#changes
    this.#changes = new Map()
    const of = { replica: this.replica, at, forgetBefore: at - FORGET_MS }
    try {
      const isKnown = await this.#store.beat({ ...of, changes: [...telling.values()] })
      // The store has forgotten us, or never knew us: all that stands must be told.
      if (!isKnown && this.#own.size > 0) await this.#store.beat({ ...of, changes: this.#standing() })
    } catch (error) {
      const standing = this.#standing().map((change) => [change.gateway, change] as const)
      this.#changes = new Map([...telling, ...standing, ...this.#changes])
      throw error
    }
  }

  #standing(): LinkChange[] {
    return [...this.#own].map(([gateway, at]) => ({ gateway, connected: true, at }))
  }

  #aliveAfter(): number {
    return this.#now() - ALIVE_MS
  }
}
