// Requests that come twice: the first answer to a request with an idempotency key is remembered for a day, sealed, because it
// may hold a secret that is told once.
import type { OperatorStore } from '../store/contract-operator.ts'
import { type Vault, VaultError } from '../vault.ts'

/** Whoever takes keys in the store has to let it forget those of the others no earlier. */
export const REMEMBERED_MS = 24 * 3_600_000
/** A request is answered or given up long before: whoever took the key does not live any more. */
const ABANDONED_MS = 30_000

/** Who sent a request with which key, and what that request is. */
export interface RequestKey {
  /** Id of the token. */
  readonly scope: string
  readonly key: string
  /** SHA-256 of the request, 32 octets. */
  readonly fingerprint: Buffer
}

/** What is known of an earlier request with the same key. */
export type Remembered =
  | { readonly state: 'answered'; readonly status: number; readonly body: string }
  | { readonly state: 'under way' }
  | { readonly state: 'another request' }

interface AnswersOptions {
  store: OperatorStore
  vault: Vault
  now: () => number
}

/** Each method may reject with {@link StoreError}. */
export class Answers {
  readonly #store: OperatorStore
  readonly #vault: Vault
  readonly #now: () => number

  constructor({ store, vault, now }: AnswersOptions) {
    this.#store = store
    this.#vault = vault
    this.#now = now
  }

  /** Undefined when the request is the first: it is to be carried out, and then kept or dropped. */
  async claim({ scope, key, fingerprint }: RequestKey): Promise<Remembered | undefined> {
    const at = this.#now()
    const bounds = { forgetBefore: at - REMEMBERED_MS, abandonedBefore: at - ABANDONED_MS }
    const found = await this.#store.claimAnswer({ scope, key, fingerprint, at, ...bounds })
    if (found === undefined) return undefined
    if (Buffer.compare(found.fingerprint, fingerprint) !== 0) return { state: 'another request' }
    if (found.sealedAnswer === null) return { state: 'under way' }
    return this.#open({ scope, key }, found.sealedAnswer)
  }

  keep({ scope, key }: RequestKey, answer: { status: number; body: string }): Promise<void> {
    const sealed = this.#vault.seal('answer', place(scope, key), Buffer.from(JSON.stringify(answer)))
    return this.#store.keepAnswer(scope, key, sealed)
  }

  /** The request changed nothing. */
  drop({ scope, key }: RequestKey): Promise<void> {
    return this.#store.dropAnswer(scope, key)
  }

  #open({ scope, key }: Pick<RequestKey, 'scope' | 'key'>, sealed: Uint8Array): Remembered {
    try {
      const { status, body } = JSON.parse(this.#vault.open('answer', place(scope, key), sealed).toString())
      return { state: 'answered', status, body }
    } catch (error) {
      // Sealed under a master key that is no more: the key is used, and what for nobody knows.
      if (error instanceof VaultError) return { state: 'another request' }
      throw error
    }
  }
}

function place(scope: string, key: string): string {
  return JSON.stringify([scope, key])
}
