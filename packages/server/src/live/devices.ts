// What the inventory says of PNEs that are shown, asked of the store and remembered for some seconds.
import { LruMap } from '../registry/lru-map.ts'
import type { Store } from '../store/contract.ts'

const REMEMBERED = 4096
const FRESH_MS = 5000

export interface Device {
  readonly name: string | null
  readonly user: string
  /** Identity of the gateway that assigned its key. */
  readonly gateway: string
}

interface Looked {
  readonly device: Device | undefined
  readonly at: number
}

export class Devices {
  readonly #store: Pick<Store, 'findPne'>
  readonly #now: () => number
  readonly #looked = new LruMap<string, Looked>(REMEMBERED)

  constructor(store: Pick<Store, 'findPne'>, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /** Undefined when there is no such PNE. @throws {StoreError} */
  async find(pneId: string | null | undefined): Promise<Device | undefined> {
    if (!pneId) return undefined
    const looked = this.#looked.get(pneId)
    if (looked && this.#now() - looked.at < FRESH_MS) return looked.device
    const device = await this.#store.findPne(pneId)
    this.#looked.set(pneId, { device, at: this.#now() })
    return device
  }

  /** It has changed. */
  forget(pneId: string): void {
    this.#looked.delete(pneId)
  }
}
