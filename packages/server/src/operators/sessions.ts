// Sessions of operators in a browser: a value for a cookie that vouches for a token. Any replica takes it. It ends with its time,
// with its token, for whoever reads it looks the token up, and when its holder logs out: that the store remembers for as long.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { LruMap } from '../registry/lru-map.ts'
import type { OperatorStore } from '../store/contract-operator.ts'
import type { Vault } from '../vault.ts'
import { REMEMBERED_MS } from './answers.ts'
import type { Operator } from './roles.ts'

const LIFETIME_S = 12 * 3600
const SESSION_OCTETS = 12
const FORMAT = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{16})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})$/
/** An ended session is a key that was used: ids of tokens, whose keys are beside it, have 12 characters. */
const ENDED = 'session-ended'
/** As long as a look-up of a token: another replica's log-out holds within that time. */
const FRESH_MS = 1000
const KNOWN_MAX = 1000

/** What a session says. */
interface Claims {
  /** Of the token. */
  id: string
  /** Of the session: 12 random octets, base64url. */
  session: string
  /** s since the epoch */
  expiresAtS: number
}

export class Sessions {
  readonly #store: OperatorStore
  readonly #key: Buffer
  readonly #now: () => number
  /** Of what the store said last. One that has ended is not asked for again. */
  readonly #known = new LruMap<string, { isEnded: boolean; at: number }>(KNOWN_MAX)

  constructor({ store, vault, now }: { store: OperatorStore; vault: Vault; now: () => number }) {
    this.#store = store
    this.#key = vault.operatorSessionKey()
    this.#now = now
  }

  /**
   * It lasts twelve hours, and no longer than the token: id of the token, its own, and time of its end, with HMAC-SHA-256 over
   * them; between each two a `.`.
   * @param binding  what must be the same when it is read
   */
  open({ id, expiresAt }: Operator, binding = ''): { value: string; expiresAt: number } {
    const latest = Math.floor(this.#now() / 1000) + LIFETIME_S
    const expiresAtS = expiresAt === null ? latest : Math.min(latest, Math.floor(expiresAt / 1000))
    const session = randomBytes(SESSION_OCTETS).toString('base64url')
    const mac = this.#mac({ id, session, expiresAtS }, binding).toString('base64url')
    return { value: [id, session, expiresAtS, mac].join('.'), expiresAt: expiresAtS * 1000 }
  }

  /**
   * The id of the token, that of the session and its end; undefined for one that is over, or that we did not open.
   * @throws {StoreError}
   */
  async read(
    value: string,
    bindingOf: (id: string) => string,
  ): Promise<{ id: string; session: string; expiresAt: number } | undefined> {
    const [, id = '', session = '', expires = '', given = ''] = FORMAT.exec(value) ?? []
    const expiresAtS = Number(expires)
    const mac = Buffer.from(given, 'base64url')
    const expected = this.#mac({ id, session, expiresAtS }, bindingOf(id))
    if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined
    if (expiresAtS * 1000 <= this.#now() || (await this.#isEnded(session))) return undefined
    return { id, session, expiresAt: expiresAtS * 1000 }
  }

  /** Before its time, here at once and at every other replica within a second. @throws {StoreError} */
  async end(session: string): Promise<void> {
    const at = this.#now()
    // Remembered for longer than any session lasts.
    const times = { at, forgetBefore: at - REMEMBERED_MS, abandonedBefore: 0 }
    await this.#store.claimAnswer({ scope: ENDED, key: session, fingerprint: Buffer.alloc(32), ...times })
    this.#known.set(session, { isEnded: true, at })
  }

  async #isEnded(session: string): Promise<boolean> {
    const now = this.#now()
    const known = this.#known.get(session)
    if (known && (known.isEnded || now - known.at < FRESH_MS)) return known.isEnded
    const isEnded = await this.#store.hasAnswer(ENDED, session)
    // It may have been ended here while the store was asked.
    if (this.#known.get(session)?.isEnded) return true
    this.#known.set(session, { isEnded, at: now })
    return isEnded
  }

  #mac({ id, session, expiresAtS }: Claims, binding: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([id, session, expiresAtS, binding]))
      .digest()
  }
}
