// Waiting before the next attempt: exponential back-off with full jitter, so that many who lost the same server do not
// come back to it at once.

import { IoError } from './errors.ts'

export interface Backoff {
  /** Milliseconds to wait: a random part of a ceiling which doubles from `minMs` to `maxMs`. */
  next(): number
  /** After a success: the ceiling is `minMs` again. */
  reset(): void
}

/** @param random gives numbers from 0 (inclusive) to 1 (exclusive) */
export function backoff({ minMs, maxMs, random = Math.random }: BackoffOptions): Backoff {
  let ceilingMs = minMs
  return {
    next() {
      const delayMs = Math.round(random() * ceilingMs)
      ceilingMs = Math.min(maxMs, ceilingMs * 2)
      return delayMs
    },
    reset() {
      ceilingMs = minMs
    },
  }
}

export interface BackoffOptions {
  readonly minMs: number
  readonly maxMs: number
  readonly random?: (() => number) | undefined
}

/**
 * Waits `ms` milliseconds.
 * @throws {IoError} ABORTED, at once when the signal aborts
 */
export function sleep(ms: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(new IoError('ABORTED', 'the wait was given up', { cause: signal?.reason }))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}
