// What every EAP machine of ours looks like from outside, and the deadline that every one of them has.

import { EapError } from './errors.ts'
import type { GpskKeys } from './gpsk/keys.ts'

/**
 * What to do after a packet came.
 * - `send`: send `packet`, then wait for the next one.
 * - `succeed`: the conversation is over; a server sends `packet` (EAP-Success).
 * - `fail`: it is over; a server sends `packet` (EAP-Failure) if there is one.
 * - `discard`: as if the packet had not come; `error` is for the log.
 */
export type Step =
  | { readonly do: 'send'; readonly packet: Buffer }
  | { readonly do: 'succeed'; readonly keys: GpskKeys; readonly packet?: Buffer }
  | { readonly do: 'fail'; readonly error: EapError; readonly packet?: Buffer }
  | { readonly do: 'discard'; readonly error: EapError }

/** A machine without I/O: octets and the time go in, steps come out. It never throws because of what came. */
export interface EapMethod {
  /** @param now milliseconds since the epoch */
  receive(packet: Uint8Array, now: number): Step
  /** When the conversation fails by itself, in milliseconds since the epoch; undefined before it began and once it is over. */
  timeoutAt(): number | undefined
}

/** The machine's step or, when it threw an EapError, what `recover` makes of it. Our own bugs pass through. */
export function attempt(step: () => Step, recover: (error: EapError) => Step): Step {
  try {
    return step()
  } catch (error) {
    if (error instanceof EapError) return recover(error)
    throw error
  }
}

/** `discard`, for what may not come now. */
export function unexpected(message: string): Step {
  return { do: 'discard', error: new EapError('EAP_UNEXPECTED', message) }
}
