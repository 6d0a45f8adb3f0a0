// Tokens of operators: 32 random octets, of which the store has the SHA-256 alone. A look-up is good for a second, so that a
// revocation holds within that time at every replica, and at once where it was asked for.
import { createHash, randomBytes } from 'node:crypto'
import type { Logger } from '@opencpns/io'
import { RegistryError } from '../registry/errors.ts'
import { LruMap } from '../registry/lru-map.ts'
import { checkName } from '../registry/names.ts'
import type { Page, PageRequest } from '../store/contract.ts'
import { StoreError } from '../store/contract.ts'
import type { OperatorStore, Role, TokenRow } from '../store/contract-operator.ts'
import type { Operator } from './roles.ts'

const TOKEN_OCTETS = 32
const ID_OCTETS = 9
const FRESH_MS = 1000
const KNOWN_MAX = 1000
const USE_NOTED_EVERY_MS = 3_600_000
/** Tells our tokens from other secrets, for people and for programs that look for leaked ones. */
const PREFIX = 'opencpns_'
/** Of the token in the data folder. */
const RESERVED = 'local'

interface TokensOptions {
  store: OperatorStore
  logger: Logger | undefined
  now: () => number
}

/** Each method may reject with {@link StoreError}. */
export class Tokens {
  readonly #store: OperatorStore
  readonly #logger: Logger | undefined
  readonly #now: () => number
  readonly #known = new LruMap<string, { row: TokenRow; at: number }>(KNOWN_MAX)

  constructor({ store, logger, now }: TokensOptions) {
    this.#store = store
    this.#logger = logger
    this.#now = now
  }

  /** `token` is given this once. @throws {RegistryError} NAME_INVALID, TOKEN_EXISTS */
  async add(of: {
    name: string
    role: Role
    expiresInS?: number | undefined
    by: string
  }): Promise<{ row: TokenRow; token: string }> {
    const { name, role, expiresInS, by } = of
    if (checkName(name) === RESERVED) throw exists()
    const token = PREFIX + randomBytes(TOKEN_OCTETS).toString('base64url')
    const createdAt = this.#now()
    const expiresAt = expiresInS === undefined ? null : createdAt + expiresInS * 1000
    const id = randomBytes(ID_OCTETS).toString('base64url')
    const adding = this.#store.addToken({ id, name, role, hash: hashOf(token), createdAt, createdBy: by, expiresAt })
    const row = await adding.catch((cause: unknown) => {
      throw cause instanceof StoreError && cause.code === 'STORE_DUPLICATE' ? exists(cause) : cause
    })
    return { row, token }
  }

  /** Newest first. */
  list(page: PageRequest): Promise<Page<TokenRow>> {
    return this.#store.listTokens(page)
  }

  /** By id, or by the name of one that is not revoked. @throws {RegistryError} TOKEN_UNKNOWN */
  async revoke(reference: string): Promise<TokenRow> {
    const row = await this.#store.revokeToken(reference, this.#now())
    if (row === undefined) throw new RegistryError('TOKEN_UNKNOWN', 'there is no such token: list the tokens')
    this.#known.clear()
    return row
  }

  /** Whose token it is; undefined when it is unknown, expired or revoked. */
  find(token: string): Promise<Operator | undefined> {
    const hash = hashOf(token)
    return this.#find(`hash ${hash.toString('base64url')}`, () => this.#store.findToken(hash))
  }

  /** As {@link find}, of a token that proved itself before. */
  findById(id: string): Promise<Operator | undefined> {
    return this.#find(`id ${id}`, () => this.#store.findTokenById(id))
  }

  async #find(key: string, ask: () => Promise<TokenRow | undefined>): Promise<Operator | undefined> {
    const now = this.#now()
    const known = this.#known.get(key)
    const isFresh = known !== undefined && now - known.at < FRESH_MS
    const row = isFresh ? known.row : await ask()
    if (row === undefined || row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= now))
      return undefined
    if (!isFresh) this.#known.set(key, { row, at: now })
    this.#noteUse(row, now)
    const { id, name, role, expiresAt } = row
    return { id, name, role, expiresAt }
  }

  #noteUse(row: TokenRow, now: number): void {
    if (row.usedAt !== null && now - row.usedAt < USE_NOTED_EVERY_MS) return
    row.usedAt = now
    this.#store
      .noteTokenUse(row.id, now)
      .catch((err) => this.#logger?.warn({ event: 'token-use-not-noted', err }, 'the use of a token was not noted'))
  }
}

function exists(cause?: unknown): RegistryError {
  return new RegistryError('TOKEN_EXISTS', 'a token has this name: choose another, or revoke that one', { cause })
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
