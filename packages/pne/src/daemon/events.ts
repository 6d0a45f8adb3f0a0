// What a device that stays connected tells about itself.

import type { Address } from '@opencpns/io'
import type { PneError } from '../errors.ts'
import type { Closed, SessionFacts } from '../session.ts'

export type DeviceEvent =
  /** It is present at this gateway, and its forwards lead there. */
  | { readonly event: 'connected'; readonly at: Address; readonly facts: SessionFacts }
  /** That presence has ended. */
  | { readonly event: 'disconnected'; readonly at: Address; readonly gateway: string; readonly reason: Closed }
  /** An attempt at this gateway came to nothing; a hint, by which nothing is changed. */
  | { readonly event: 'failed'; readonly at: Address; readonly error: PneError }
  /** No gateway was found to try. */
  | { readonly event: 'none-found'; readonly error?: unknown }
  /** The next round of attempts begins after so many milliseconds, or as soon as the machine wakes. */
  | { readonly event: 'waiting'; readonly ms: number }
  /** The machine was suspended, or its addresses have changed: what is thought of the network may be wrong. */
  | { readonly event: 'woke' }
  /** A local connection got no session. */
  | { readonly event: 'no-session'; readonly service: string; readonly error: unknown }
