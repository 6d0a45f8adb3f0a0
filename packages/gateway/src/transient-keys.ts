// The TKs of PNEs that were here before, in memory only: a further session then needs no server (docs/protocol.md 1.3).

import { elapsedClock } from '@opencpns/io'
import { revocationTag, transientKeyId } from '@opencpns/protocol'

const TRANSIENT_KEYS_MAX = 100_000

interface HeldTransientKey {
  /** 32 octets */
  readonly transientKey: Uint8Array
  readonly secondSeed: Uint8Array
  readonly pneId?: string | undefined
  readonly user?: string | undefined
  readonly sessionsMax?: number | undefined
  /** Revocation tag, 32 octets in hex. */
  readonly tag: string
  /** Seconds that it may still serve. */
  readonly leftS: number
}

interface KeptTransientKey extends Omit<HeldTransientKey, 'leftS'> {
  readonly expiresAt: number
}

interface NewTransientKey {
  transientKey: Uint8Array
  secondSeed: Uint8Array
  pneId?: string | undefined
  user?: string | undefined
  sessionsMax?: number | undefined
  lifetimeS: number
}

export class TransientKeys {
  readonly #byId = new Map<string, KeptTransientKey>()
  /** A PNE has one TK here: the newest. */
  readonly #idOfTag = new Map<string, string>()
  readonly #max: number
  readonly #now: () => number

  constructor({ max = TRANSIENT_KEYS_MAX, now = elapsedClock() }: { max?: number; now?: () => number } = {}) {
    this.#max = max
    this.#now = now
  }

  get size(): number {
    return this.#byId.size
  }

  /** Keeps a TK, in place of an older one of the same PNE, for `lifetimeS` seconds. */
  add({ lifetimeS, ...pne }: NewTransientKey): void {
    const tag = revocationTag(pne.secondSeed).toString('hex')
    this.drop(tag)
    if (lifetimeS === 0) return
    const id = transientKeyId(pne.transientKey).toString('latin1')
    const expiresAt = this.#now() + lifetimeS * 1000
    this.#byId.set(id, { ...pne, tag, expiresAt })
    this.#idOfTag.set(tag, id)
    this.#shrink()
  }

  /** The TK of this id, 16 octets, if it is this PNE's and has not expired. */
  find(id: Uint8Array, secondSeed: Uint8Array): HeldTransientKey | undefined {
    const held = this.#byId.get(Buffer.from(id).toString('latin1'))
    if (!held || Buffer.compare(held.secondSeed, secondSeed) !== 0) return undefined
    const leftMs = held.expiresAt - this.#now()
    if (leftMs > 0) return { ...held, leftS: Math.floor(leftMs / 1000) }
    this.drop(held.tag)
    return undefined
  }

  /** Drops the TK of the PNE with this revocation tag. */
  drop(tag: string): void {
    const id = this.#idOfTag.get(tag)
    if (id === undefined) return
    this.#idOfTag.delete(tag)
    this.#byId.delete(id)
  }

  /** The oldest go first: they expire first, as lifetimes are alike. */
  #shrink(): void {
    for (const held of this.#byId.values()) {
      if (this.#byId.size <= this.#max && held.expiresAt > this.#now()) return
      this.drop(held.tag)
    }
  }
}
