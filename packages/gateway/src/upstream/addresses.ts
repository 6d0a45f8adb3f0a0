// Where the servers are: what was configured, each name looked up. A name with several addresses is several servers.

import { lookup as dnsLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Address, sleep } from '@opencpns/io'

const ADDRESSES_MAX = 16
const LOOKUP_MS = 5000

/** All addresses of a name, in the order of the system. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

export const systemLookup: Lookup = (host) => dnsLookup(host, { all: true })

/** Whether what is configured can change: it holds a name. */
export function hasNames(configured: readonly Address[]): boolean {
  return configured.some(({ host }) => isIP(host) === 0)
}

/** At most 16. A name that cannot be looked up now stays as it is: the attempt to connect says why. Never rejects. */
export async function lookUpAll(configured: readonly Address[], lookup: Lookup): Promise<Address[]> {
  const found = await Promise.all(configured.map((one) => lookUp(one, lookup)))
  return found.flat().slice(0, ADDRESSES_MAX)
}

/**
 * A host that is reached by IPv4 and by IPv6 is one server, and not two: its name is kept, and the system chooses the way.
 * Of a name with several addresses of a family, the family with the most counts.
 */
async function lookUp(configured: Address, lookup: Lookup): Promise<Address[]> {
  const { host, port } = configured
  if (isIP(host) !== 0) return [configured]
  const found = await withDeadline(lookup(host)).catch(() => [])
  const families = [4, 6].map((family) => found.filter((one) => one.family === family))
  const [most = []] = families.sort((one, other) => other.length - one.length)
  return most.length < 2 ? [configured] : most.map(({ address }) => ({ host: address, port }))
}

async function withDeadline<T>(looking: Promise<T>): Promise<T> {
  const waiting = new AbortController()
  const late = sleep(LOOKUP_MS, waiting).then(() => Promise.reject(new Error('no answer')))
  try {
    return await Promise.race([looking, late])
  } finally {
    late.catch(() => {})
    waiting.abort()
  }
}
