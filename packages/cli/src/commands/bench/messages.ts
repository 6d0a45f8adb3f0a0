// What the command and its worker processes say to each other.
import type { Endpoint } from '../../endpoint.ts'
import type { Schedule, Way } from './plan.ts'

/** A gateway that the server knows. */
export interface GatewaySecret {
  readonly identity: string
  readonly realm: string
  /** 32 octets, base64url. */
  readonly secret: string
}

/** What a worker is to do, and with which gateways. */
export interface Job {
  readonly do: 'prepare'
  readonly worker: number
  readonly workers: number
  readonly schedule: Schedule
  readonly way: Way
  readonly servers: readonly Endpoint[]
  readonly runningGateways: readonly Endpoint[]
  readonly gateways: readonly GatewaySecret[]
  readonly devices: number
  readonly timeoutMs: number
}

export type ToWorker = Job | { readonly do: 'begin'; readonly atMs: number } | { readonly do: 'stop' }

/** What became of some arrivals. The arrays are as long as each other; times in milliseconds. */
export interface Batch {
  readonly says: 'batch'
  readonly worker: number
  /** When each was to come, since the beginning of the load. */
  readonly at: Float64Array
  /** From then to its end. */
  readonly latency: Float64Array
  /** From when it really began. */
  readonly service: Float64Array
  /** Empty for a success, otherwise the code. */
  readonly codes: readonly string[]
  /** Processor time of the worker since the batch before, and how long that took. */
  readonly processorMs: number
  readonly elapsedMs: number
}

export type FromWorker =
  | { readonly says: 'ready'; readonly devices: number }
  | { readonly says: 'failed'; readonly code: string; readonly message: string }
  | Batch
  | { readonly says: 'over' }
