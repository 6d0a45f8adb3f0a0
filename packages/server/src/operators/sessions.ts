// Sessions of operators in a browser: a value for a cookie that vouches for a token, without a store. Any replica takes it.
// Revoking the token ends it, for whoever reads it looks the token up.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Vault } from '../vault.ts'
import type { Operator } from './roles.ts'

const LIFETIME_S = 12 * 3600
const FORMAT = /^([A-Za-z0-9_-]{1,64})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})$/

/** What a session says. */
interface Claims {
  id: string
  /** s since the epoch */
  expiresAtS: number
}

export class Sessions {
  readonly #key: Buffer
  readonly #now: () => number

  constructor({ vault, now }: { vault: Vault; now: () => number }) {
    this.#key = vault.operatorSessionKey()
    this.#now = now
  }

  /**
   * It lasts twelve hours, and no longer than the token: id of the token, `.`, time of its end, `.`, HMAC-SHA-256 over both.
   * @param binding  what must be the same when it is read
   */
  open({ id, expiresAt }: Operator, binding = ''): { value: string; expiresAt: number } {
    const latest = Math.floor(this.#now() / 1000) + LIFETIME_S
    const expiresAtS = expiresAt === null ? latest : Math.min(latest, Math.floor(expiresAt / 1000))
    const value = `${id}.${expiresAtS}.${this.#mac({ id, expiresAtS }, binding).toString('base64url')}`
    return { value, expiresAt: expiresAtS * 1000 }
  }

  /** The id of the token and the end of the session; undefined for one that is over, or that we did not open. */
  read(value: string, bindingOf: (id: string) => string): { id: string; expiresAt: number } | undefined {
    const [, id = '', expires = '', given = ''] = FORMAT.exec(value) ?? []
    const expiresAtS = Number(expires)
    const mac = Buffer.from(given, 'base64url')
    const expected = this.#mac({ id, expiresAtS }, bindingOf(id))
    if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined
    return expiresAtS * 1000 > this.#now() ? { id, expiresAt: expiresAtS * 1000 } : undefined
  }

  #mac({ id, expiresAtS }: Claims, binding: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([id, expiresAtS, binding]))
      .digest()
  }
}
