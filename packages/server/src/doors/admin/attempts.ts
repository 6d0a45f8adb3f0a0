// Failed logins slow their address down: after ten in a minute it waits until the first of them is a minute old.
import { isIPv6 } from 'node:net'
import { LruMap } from '../../registry/lru-map.ts'

const WINDOW_MS = 60_000
const FAILURES_MAX = 10
const ADDRESSES_MAX = 10_000

export class Attempts {
  readonly #failures = new LruMap<string, number[]>(ADDRESSES_MAX)
  readonly #now: () => number

  /** @param now  ms on a clock that nobody sets */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Seconds for which nobody may log in from there; undefined when somebody may now. */
  blockedForS(address: string): number | undefined {
    const [oldest, ...others] = this.#recent(address)
    if (oldest === undefined || others.length + 1 < FAILURES_MAX) return undefined
    return Math.max(1, Math.ceil((oldest + WINDOW_MS - this.#now()) / 1000))
  }

  /** Counts an attempt as failed until it gives something: others may come meanwhile. */
  async count<T>(address: string, attempt: () => Promise<T | undefined>): Promise<T | undefined> {
    const at = this.failed(address)
    let isFailed = false
    try {
      const found = await attempt()
      isFailed = found === undefined
      return found
    } finally {
      if (!isFailed) this.#takeBack(address, at)
    }
  }

  /** Gives when. */
  failed(address: string): number {
    const at = this.#now()
    this.#failures.set(networkOf(address), [...this.#recent(address), at].slice(-FAILURES_MAX))
    return at
  }

  #takeBack(address: string, at: number): void {
    const recent = this.#recent(address)
    const place = recent.lastIndexOf(at)
    if (place >= 0) this.#failures.set(networkOf(address), recent.toSpliced(place, 1))
  }

  #recent(address: string): number[] {
    const since = this.#now() - WINDOW_MS
    return this.#failures.get(networkOf(address))?.filter((at) => at > since) ?? []
  }
}

/** Of IPv6 the first 64 bits: one who has an address there has them all. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address.replace(/^::ffff:/i, '')
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const [first, last] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? [] : new Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
