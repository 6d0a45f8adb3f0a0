// Looks for gateways on the local network by multicast DNS. Anybody there can answer anything, so what comes is bounded and
// must have the form that it should have; whether it is true, only authentication tells.
import { isIP } from 'node:net'
import { parseGatewayIdentity } from '@opencpns/protocol'
import type { Endpoint } from '../endpoint.ts'
import { openMulticast, SERVICE_TYPE } from './multicast.ts'

const GATEWAYS_MAX = 64
const ADDRESSES_MAX = 8
/** When to ask again: what is asked by multicast may be lost. RFC 6762, section 5.2. */
const ASK_AGAIN_MS = [1000, 3000, 7000]
/** When the wanted gateway has answered: others may answer in its name, and perhaps they were first. */
const OTHERS_MS = 500

export interface FoundGateway {
  /** NAME@REALM, as announced: not proved. */
  readonly identity: string
  /** The likeliest first. */
  readonly addresses: readonly string[]
  readonly port: number
}

interface BrowseOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Ends the search soon after this gateway is found. */
  readonly until?: string | undefined
}

/** The gateways that answer in time, 64 at most, in the order of their answers. A network without multicast has none. */
export async function browse({ timeoutMs, signal, until }: BrowseOptions): Promise<FoundGateway[]> {
  const found = new Map<string, FoundGateway>()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let ending: NodeJS.Timeout | undefined
  const onUp = (service: Announced) => {
    // It would tell of each name once, and so let the first who answers hide the others.
    for (const { services } of browsers) services.length = 0
    const gateway = readAnnounced(service)
    if (!gateway || found.size === GATEWAYS_MAX) return
    found.set([gateway.identity, gateway.port, ...gateway.addresses.toSorted()].join(), gateway)
    if (gateway.identity === until) ending ??= setTimeout(end, OTHERS_MS)
  }
  const opened = openMulticast(() => {})
  const browsers = opened.map((one) => one.find({ type: SERVICE_TYPE }, onUp))
  const ask = () => {
    for (const browser of browsers) browser.update()
  }
  const timers = [...ASK_AGAIN_MS.map((ms) => setTimeout(ask, ms)), setTimeout(end, timeoutMs)]
  signal?.addEventListener('abort', () => end(), { once: true })
  if (!signal?.aborted) await ended
  for (const timer of [ending, ...timers]) clearTimeout(timer)
  for (const browser of browsers) browser.stop()
  for (const one of opened) one.destroy()
  return [...found.values()]
}

/** Where to try, the home gateway before others. */
export function placesOf(found: readonly FoundGateway[], home: string): Endpoint[] {
  const isHome = ({ identity }: FoundGateway) => Number(identity === home)
  return found
    .toSorted((a, b) => isHome(b) - isHome(a))
    .flatMap(({ addresses, port }) => addresses.map((host) => ({ host, port })))
}

/** What comes of the library, of which nothing is sure. */
interface Announced {
  readonly txt?: unknown
  readonly port: number
  readonly addresses?: readonly unknown[] | undefined
  readonly referer?: { readonly address: string } | undefined
}

/** An announcement as it must be, or undefined. An identity has no character that could trouble a terminal. */
export function readAnnounced({ txt, port, addresses = [], referer }: Announced): FoundGateway | undefined {
  const { gw: identity, v } = { ...(txt as object) } as Record<string, unknown>
  if (typeof identity !== 'string' || v !== '1' || !parseGatewayIdentity(identity)) return undefined
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  const usable = [...new Set(addresses.slice(0, ADDRESSES_MAX))].filter(isUsable)
  const likeliest = (address: string) => (address === referer?.address ? 0 : isIP(address) === 4 ? 1 : 2)
  if (usable.length === 0) return undefined
  return { identity, port, addresses: usable.toSorted((a, b) => likeliest(a) - likeliest(b)) }
}

/** A link-local address of IPv6 leads nowhere without the name of its link. */
function isUsable(address: unknown): address is string {
  return typeof address === 'string' && isIP(address) !== 0 && !/^fe[89ab]/i.test(address)
}
