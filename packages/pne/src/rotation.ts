// Rotation in a presence session, the device's side: docs/protocol.md section 4.2. The new key is kept beside the current one
// before it is confirmed.

import {
  encode,
  FLOW_DEADLINE_MS,
  RotationConfirmation,
  type RotationDone,
  type RotationOffer,
  RotationRequest,
} from '@opencpns/protocol'
import type { Credential } from './credential.ts'
import type { Key } from './credentialFile.ts'
import { PneError } from './errors.ts'
import { isKept, keepOffered } from './keys.ts'

export interface RotateOptions {
  readonly signal?: AbortSignal | undefined
  /** 15 s by default. A gateway that does not reach the CPNS Server does not answer. */
  readonly timeoutMs?: number | undefined
}

interface RotationParts {
  readonly credential: Credential
  /** The key that the session was authenticated with. */
  readonly used: Key
  /** The gateway has activated a new key. */
  readonly onRotated?: (() => void) | undefined
}

export class Rotation {
  readonly #parts: RotationParts
  readonly #waiting = new Set<PromiseWithResolvers<void>>()
  #confirmed: Uint8Array | undefined

  constructor(parts: RotationParts) {
    this.#parts = parts
  }

  /** Keeps what the gateway offers; the body of the answer, if there is one to give. Never rejects. */
  async offered({ secondSeed, euKey }: RotationOffer): Promise<Uint8Array | undefined> {
    const { credential, used } = this.#parts
    // Copies: what was received is a view of a larger buffer.
    const key = { secondSeed: Uint8Array.from(secondSeed), euKey: Uint8Array.from(euKey) }
    try {
      if (!(await keepOffered(credential, used, key))) return undefined
    } catch (error) {
      this.#settle((waiting) => waiting.reject(error))
      return undefined
    }
    this.#confirmed = key.secondSeed
    return encode(RotationConfirmation, { secondSeed: key.secondSeed })
  }

  done({ secondSeed }: RotationDone): void {
    if (!this.#confirmed || Buffer.compare(this.#confirmed, secondSeed) !== 0) return
    this.#confirmed = undefined
    this.#settle((waiting) => waiting.resolve())
    this.#parts.onRotated?.()
  }

  /** The session has ended. */
  ended(): void {
    const lost = new PneError('UNREACHABLE', 'the session ended before the rotation was done: connect again')
    this.#settle((waiting) => waiting.reject(lost))
  }

  /**
   * Asks for a new key and waits until it is active.
   * @throws {PneError} ROTATION_UNAVAILABLE, DEADLINE_EXCEEDED, UNREACHABLE, CREDENTIAL_…  @throws the reason of `signal`
   */
  async ask(
    send: (body: Uint8Array) => unknown,
    { signal, timeoutMs = FLOW_DEADLINE_MS }: RotateOptions,
  ): Promise<void> {
    if (!isKept(this.#parts.credential)) throw unavailable()
    signal?.throwIfAborted()
    const waiting = Promise.withResolvers<void>()
    this.#waiting.add(waiting)
    const timer = setTimeout(() => waiting.reject(tooLate()), timeoutMs)
    const abort = () => waiting.reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      send(encode(RotationRequest, {}))
      await waiting.promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      this.#waiting.delete(waiting)
    }
  }

  #settle(settle: (waiting: PromiseWithResolvers<void>) => void): void {
    for (const waiting of this.#waiting) settle(waiting)
  }
}

export function unavailable(): PneError {
  return new PneError(
    'ROTATION_UNAVAILABLE',
    'a key is rotated in a presence at the gateway that assigned it, and only where it can be kept: ' +
      'connect there without a service, with a credential from a file',
  )
}

function tooLate(): PneError {
  return new PneError(
    'DEADLINE_EXCEEDED',
    'the gateway gave no new key in time: it may not reach the CPNS Server. The keys still work; try again later',
  )
}
