// The TKs that a device still holds, in memory only: with one a further session needs no CPNS Server (docs/protocol.md
// section 1.3). Who holds which is found by where the gateway is reached: its identity is known only once it answered.

const TRANSIENT_KEYS_MAX = 64

/** One device at one address of a gateway. */
export interface Place {
  /** The PNE's identity: a cache may serve several devices. */
  readonly pne: string
  readonly host: string
  readonly port: number
}

export interface HeldTransientKey {
  /** 32 octets. */
  readonly key: Uint8Array
  /** The identity of the gateway that the TK is bound to. */
  readonly gateway: string
}

/** A bounded cache: when it is full, the TK that was added first goes. Neither inspect nor JSON shows a key. */
export class TransientKeys {
  readonly #held = new Map<string, HeldTransientKey & { expiresAtMs: number }>()
  readonly #max: number
  readonly #now: () => number

  /** @param now milliseconds on any clock */
  constructor({ max = TRANSIENT_KEYS_MAX, now = Date.now }: { max?: number; now?: () => number } = {}) {
    this.#max = max
    this.#now = now
  }

  get size(): number {
    return this.#held.size
  }

  /** The TK for this place, while its lifetime lasts. */
  find(place: Place): HeldTransientKey | undefined {
    const held = this.#held.get(nameOf(place))
    if (!held) return undefined
    if (held.expiresAtMs > this.#now()) return held
    this.#held.delete(nameOf(place))
    return undefined
  }

  /** Keeps a TK for `lifetimeS` seconds, in place of the one before. */
  add(place: Place, { key, gateway }: HeldTransientKey, lifetimeS: number): void {
    this.#held.delete(nameOf(place))
    if (lifetimeS === 0) return
    this.#held.set(nameOf(place), { key, gateway, expiresAtMs: this.#now() + lifetimeS * 1000 })
    const [oldest] = this.#held.keys()
    if (this.#held.size > this.#max && oldest !== undefined) this.#held.delete(oldest)
  }

  clear(): void {
    this.#held.clear()
  }
}

function nameOf({ pne, host, port }: Place): string {
  return `${pne} ${port} ${host}`
}
