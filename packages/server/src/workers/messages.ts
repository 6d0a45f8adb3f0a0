// What the primary and the workers of a server say to each other, besides the bus.
import type { Address } from '@opencpns/io'

/** From a worker. */
export type WorkerMessage =
  | { readonly opencpns: 'ready'; readonly addresses: Addresses }
  /** It could not begin, and ends. */
  | { readonly opencpns: 'failed'; readonly code: string; readonly message: string }
  | { readonly opencpns: 'metrics'; readonly id: number; readonly metrics: readonly object[] }

/** To a worker. */
export type PrimaryMessage =
  /** Answer what is under way, then end. */
  { readonly opencpns: 'stop'; readonly graceMs: number } | { readonly opencpns: 'metrics'; readonly id: number }

/** Where the doors of a worker are. */
export interface Addresses {
  readonly cpns?: Address
  readonly radius?: Address
  readonly radsec?: Address
}

export function isOurs(message: unknown): message is { opencpns: string } {
  return typeof message === 'object' && message !== null && 'opencpns' in message
}
