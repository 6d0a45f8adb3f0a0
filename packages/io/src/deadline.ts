// Deadlines by plain timers. AbortSignal.timeout with AbortSignal.any does the same, but costs each message several times
// as much and keeps the collector busy.

import { IoError } from './errors.ts'

/** How long to wait at most, and who else may end the waiting. */
export interface Limits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Calls `expire` once, never synchronously, when the time is over (DEADLINE_EXCEEDED) or the signal aborts (ABORTED).
 * @param what names what is waited for, as in "the TLS handshake"
 * @returns ends the watch: after it nothing is called and nothing is held
 */
export function watch({ timeoutMs, signal }: Limits, what: string, expire: (error: IoError) => void): () => void {
  let over = false
  const end = (error: IoError) => {
    if (over) return
    stop()
    expire(error)
  }
  const late = () => end(new IoError('DEADLINE_EXCEEDED', `${what} took longer than ${timeoutMs} ms`))
  const abort = () => end(new IoError('ABORTED', `${what} was given up`, { cause: signal?.reason }))
  const timer = setTimeout(late, timeoutMs)
  const stop = () => {
    over = true
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
  if (signal?.aborted) queueMicrotask(abort)
  else signal?.addEventListener('abort', abort)
  return stop
}

/** A deadline for a whole flow, from which each of its waits takes what is left. */
export class Deadline {
  readonly #timeoutMs: number
  readonly #endsAt: number

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#endsAt = performance.now() + timeoutMs
  }

  /**
   * Milliseconds until the end, at least 1.
   * @throws {IoError} DEADLINE_EXCEEDED
   */
  leftMs(): number {
    const left = this.#endsAt - performance.now()
    if (left > 0) return Math.ceil(left)
    throw new IoError('DEADLINE_EXCEEDED', `it took longer than ${this.#timeoutMs} ms`)
  }
}
