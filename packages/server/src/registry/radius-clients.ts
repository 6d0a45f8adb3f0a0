// RADIUS clients by their address, in memory: a look-up for each datagram must not wait for the store. Secrets are opened
// when they are first needed. The clients are read anew when one was added or revoked, by this process or another.

import type { Logger } from '@opencpns/io'
import { SharedSecret } from '@opencpns/radius'
import type { RadiusGatewayRow, Store } from '../store/contract.ts'
import type { Vault } from '../vault.ts'
import { LruMap } from './lru-map.ts'
import { PrefixTable } from './prefix.ts'

/** 192 bits; as text 32 characters. */
export const RADIUS_SECRET_OCTETS = 24

const POLL_MS = 1000
const ADDRESSES_MAX = 10_000

/** As the RADIUS server wants its clients. */
export interface RadiusClient {
  /** The identity of the gateway. */
  readonly name: string
  readonly secret: SharedSecret
}

export class RadiusClients {
  readonly #store: Store
  readonly #vault: Vault
  readonly #logger: Logger | undefined
  readonly #byAddress = new LruMap<string, RadiusClient>(ADDRESSES_MAX)
  #opened = new Map<string, RadiusClient>()
  #table = new PrefixTable<RadiusGatewayRow>()
  #changes = -1
  #poll: NodeJS.Timeout | undefined

  constructor(store: Store, vault: Vault, logger: Logger | undefined) {
    this.#store = store
    this.#vault = vault
    this.#logger = logger
  }

  /** Reads the clients, and looks every second whether there is another, until {@link close}. @throws {StoreError} */
  async follow(): Promise<void> {
    this.#poll ??= setInterval(() => void this.#refreshInBackground(), POLL_MS).unref()
    await this.refresh()
  }

  /** Reads the clients if they changed and somebody follows. @throws {StoreError} */
  async refresh(): Promise<void> {
    if (this.#poll === undefined) return
    const changes = await this.#store.radiusGatewayChanges()
    if (changes === this.#changes) return
    const rows = await this.#store.listRadiusGateways()
    const table = new PrefixTable<RadiusGatewayRow>()
    for (const row of rows) table.set(row.radius, row)
    const stay = new Set(rows.map((row) => row.identity))
    this.#opened = new Map([...this.#opened].filter(([identity]) => stay.has(identity)))
    this.#byAddress.clear()
    this.#table = table
    this.#changes = changes
  }

  /** @throws {VaultError} its secret does not open */
  find(address: string): RadiusClient | undefined {
    const known = this.#byAddress.get(address)
    if (known !== undefined) return known
    const row = this.#table.find(address)
    if (row === undefined) return undefined
    const client = this.#opened.get(row.identity) ?? this.#open(row)
    this.#byAddress.set(address, client)
    return client
  }

  close(): void {
    clearInterval(this.#poll)
    this.#poll = undefined
  }

  #open({ identity, sealedSecret }: RadiusGatewayRow): RadiusClient {
    const secret = this.#vault.open('radius-secret', identity, sealedSecret).toString('base64url')
    const client = { name: identity, secret: SharedSecret.of(secret) }
    this.#opened.set(identity, client)
    return client
  }

  async #refreshInBackground(): Promise<void> {
    await this.refresh().catch((err) =>
      this.#logger?.warn({ event: 'radius-clients-not-read', err }, 'the RADIUS clients could not be read anew'),
    )
  }
}
