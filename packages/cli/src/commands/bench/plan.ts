// What a load is to be, and when each of its arrivals comes. Pure arithmetic.
import { availableParallelism } from 'node:os'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import type { AdminOptions } from '../admin/client.ts'

export interface LoadOptions extends AdminOptions {
  server?: Endpoint[]
  gateway?: Endpoint[]
  whole?: true
  rate: number
  duration: number
  ramp: number
  gateways: number
  devices: number
  workers?: number
  timeout: number
  html?: string
  keep?: true
  allowRemote?: true
}

/** When arrivals come, in milliseconds since the beginning. */
export interface Schedule {
  readonly ratePerS: number
  readonly rampMs: number
  readonly durationMs: number
}

/** What is loaded: a server by gateways that are only links, by whole gateways, or gateways that run already. */
export type Way = 'links' | 'whole gateways' | 'running gateways'

export interface Plan {
  readonly schedule: Schedule
  readonly way: Way
  readonly servers: readonly Endpoint[]
  readonly runningGateways: readonly Endpoint[]
  readonly gateways: number
  readonly devices: number
  readonly workers: number
  readonly timeoutMs: number
}

const DEFAULT_SERVER: Endpoint = { host: '127.0.0.1', port: 7410 }

/** @throws {CliError} USAGE: what does not go together, or a server that may not be loaded */
export function planOf(options: LoadOptions): Plan {
  const { server: servers = [DEFAULT_SERVER], gateway: runningGateways = [], whole, devices } = options
  if (whole && runningGateways.length > 0) {
    throw new CliError(
      'USAGE',
      'cannot tell at which gateways: give either --whole, for its own, or --gateway HOST:PORT',
    )
  }
  if (!options.allowRemote) checkNearby(options, [...servers, ...runningGateways])
  const gateways = Math.min(options.gateways, devices)
  const spare = Math.max(1, availableParallelism() - 1)
  return {
    schedule: { ratePerS: options.rate, rampMs: options.ramp, durationMs: options.duration },
    way: whole ? 'whole gateways' : runningGateways.length > 0 ? 'running gateways' : 'links',
    servers,
    runningGateways,
    gateways,
    devices,
    workers: Math.min(options.workers ?? spare, gateways),
    timeoutMs: options.timeout,
  }
}

/** A load on what is not one's own is an attack. */
function checkNearby({ url }: AdminOptions, endpoints: readonly Endpoint[]): void {
  const api = url === undefined || !URL.canParse(url) ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, '')]
  const distant = [
    ...endpoints.filter(({ host }) => !isLoopback(host)).map(formatEndpoint),
    ...api.filter((host) => !isLoopback(host)),
  ]
  if (distant.length === 0) return
  throw new CliError(
    'USAGE',
    `cannot load ${distant.join(', ')}: not on this machine. If it is yours to load, give either --allow-remote or an address of this machine`,
  )
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
}

/** How many arrivals there are: half as many in the ramp as in so long a time after it. */
export function arrivalsOf({ ratePerS, rampMs, durationMs }: Schedule): number {
  return Math.floor((ratePerS * (rampMs / 2 + durationMs)) / 1000)
}

/** When arrival number `index` comes: evenly spaced, after a ramp in which the rate rises evenly. */
export function arrivalMs(index: number, { ratePerS, rampMs }: Schedule): number {
  const perMs = ratePerS / 1000
  const inRamp = (perMs * rampMs) / 2
  return index < inRamp ? Math.sqrt((2 * rampMs * index) / perMs) : rampMs + (index - inRamp) / perMs
}

/** The part of `count` that is the share of worker `worker` of `workers`. */
export function shareOf(count: number, worker: number, workers: number): number {
  return Math.floor(count / workers) + (worker < count % workers ? 1 : 0)
}
