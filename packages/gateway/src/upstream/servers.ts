// The servers of the operator, all of which are replicas of one: which of them this gateway keeps links to. Names are looked up
// again and again; of many servers each gateway keeps three, and others in place of those that cannot be reached.

import { createHash } from 'node:crypto'
import { type Address, formatHostPort, sleep } from '@opencpns/io'
import { hasNames, type Lookup, lookUpAll, systemLookup } from './addresses.ts'
import { Replica, type ReplicaListener, type ReplicaStatus } from './replica.ts'
import type { ServerLink } from './server-link.ts'

/** Links of one gateway. */
const LINKS_MAX = 3
const LOOK_UP_INTERVAL_MS = 30_000

interface ServersOptions extends Omit<ReplicaListener, 'onChange'> {
  /** At least one. */
  readonly configured: readonly Address[]
  /** Identity of this gateway: which of many servers it prefers. */
  readonly gateway: string
  readonly lookup?: Lookup | undefined
}

export class Servers {
  readonly #options: ServersOptions
  readonly #listener: ReplicaListener
  readonly #stop = new AbortController()
  readonly #kept = new Map<string, Replica>()
  #ranked: Address[] = []
  #looking = true
  #isLinked = false
  #changes = Promise.withResolvers<void>()

  constructor(options: ServersOptions) {
    this.#options = options
    this.#listener = { ...options, onChange: () => this.#adjust() }
    void this.#follow()
  }

  /** Those that take requests. */
  get links(): ServerLink[] {
    return [...this.#kept.values()].flatMap(({ link }) => link ?? [])
  }

  /** Whether there may be a link in a moment. */
  get isExpecting(): boolean {
    return this.#looking || [...this.#kept.values()].some((replica) => replica.isExpected)
  }

  get status(): ReplicaStatus[] {
    return [...this.#kept.values()].map((replica) => replica.status)
  }

  /** Resolves at the next change of any of the above. */
  changed(): Promise<void> {
    return this.#changes.promise
  }

  close(): void {
    this.#stop.abort()
    for (const replica of this.#kept.values()) replica.close()
  }

  /** Addresses as they stand need no looking up. */
  async #follow(): Promise<void> {
    const { configured, lookup = systemLookup } = this.#options
    const { signal } = this.#stop
    if (!hasNames(configured)) return this.#found([...configured])
    while (!signal.aborted) {
      const found = await lookUpAll(configured, lookup)
      if (!signal.aborted) this.#found(found)
      await sleep(LOOK_UP_INTERVAL_MS, { signal }).catch(() => {})
    }
  }

  #found(addresses: Address[]): void {
    this.#looking = false
    const byName = new Map(addresses.map((address) => [formatHostPort(address), address]))
    this.#ranked = [...byName].sort(([one], [other]) => this.#rank(one).compare(this.#rank(other))).map(([, at]) => at)
    this.#adjust()
  }

  /** Each gateway has an order of its own, always the same: so gateways spread over servers evenly (rendezvous hashing). */
  #rank(address: string): Buffer {
    return createHash('sha256').update(`${this.#options.gateway} ${address}`).digest()
  }

  /** Keeps the first three, and for each of them that fails one more. */
  #adjust(): void {
    if (this.#stop.signal.aborted) return
    this.#hurryWithoutLink()
    const wanted = new Set<string>()
    let good = 0
    for (const address of this.#ranked) {
      if (good >= LINKS_MAX) break
      const name = formatHostPort(address)
      wanted.add(name)
      if (!this.#keep(name, address).isFailing) good++
    }
    for (const [name, replica] of this.#kept) {
      if (wanted.has(name)) continue
      this.#kept.delete(name)
      replica.retire()
    }
    const { resolve } = this.#changes
    this.#changes = Promise.withResolvers()
    resolve()
  }

  /** Who has lost the last link does not wait until it is time to try the others again. Once: then it waits as ever. */
  #hurryWithoutLink(): void {
    const isLinked = this.links.length > 0
    if (this.#isLinked && !isLinked) for (const replica of this.#kept.values()) replica.hurry()
    this.#isLinked = isLinked
  }

  #keep(name: string, address: Address): Replica {
    const kept = this.#kept.get(name)
    if (kept) return kept
    const replica = new Replica(address, this.#listener)
    this.#kept.set(name, replica)
    return replica
  }
}
