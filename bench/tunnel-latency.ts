// What a tunnel adds to a request and an answer of 64 octets on a connection that is open: ours, and stunnel4 in the same run.
// The three ways, one of them without a tunnel, take turns.

import { connect } from 'node:net'
import { type Bench, type BenchOptions, type Figure, median, plain } from './figures.ts'
import { openTunnels, type Way } from './tunnel/tunnels.ts'

const OCTETS = 64
const WARM_UP = 500
const QUICK = { rounds: 5, requests: 500 }
const FULL = { rounds: 15, requests: 2000 }

export const tunnelLatency: Bench = {
  names: ['tunnel-latency', 'stunnel-latency'],
  async run({ quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    const tunnels = await openTunnels('tunnel-latency', say)
    if (!tunnels) return {}
    try {
      const { rounds, requests } = quick ? QUICK : FULL
      const ways = [tunnels.direct, tunnels.ours, tunnels.stunnel].map((way) => new Line(way))
      for (const way of ways) await way.ask(WARM_UP)
      const times: number[][] = ways.map(() => [])
      for (let round = 1; round <= rounds; round++) {
        for (const [at, way] of ways.entries()) times[at]?.push(...(await way.ask(requests)))
        say(`round ${round} of ${rounds}: median ${times.map((of) => `${Math.round(median(of))} µs`).join(', ')}`)
      }
      for (const way of ways) way.close()
      const [direct = [], ours = [], theirs = []] = times
      return figuresOf(direct, ours, theirs)
    } finally {
      await tunnels.close()
    }
  },
}

function figuresOf(direct: number[], ours: number[], theirs: number[]): Record<string, Figure> {
  const added = (times: number[]) => ({
    median: median(times) - median(direct),
    p99: percentile99(times) - percentile99(direct),
  })
  const figure = ({ median: value, p99 }: ReturnType<typeof added>) => ({ ...plain(value, 'µs'), p99: Math.round(p99) })
  const mine = added(ours)
  const stunnel = added(theirs)
  const ratio = Math.round((mine.median / stunnel.median) * 1000) / 1000
  return {
    'tunnel-latency': { ...figure(mine), ratio, to: 'stunnel-latency' },
    'stunnel-latency': figure(stunnel),
  }
}

function percentile99(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
}

/** One connection to the echo, one request at a time. */
class Line {
  readonly #socket
  readonly #request = Buffer.alloc(OCTETS, 1)

  constructor({ echo }: Way) {
    this.#socket = connect({ port: echo, host: '127.0.0.1', noDelay: true })
  }

  /** Microseconds of each request. */
  async ask(requests: number): Promise<number[]> {
    const times: number[] = []
    for (let at = 0; at < requests; at++) {
      const begun = performance.now()
      await this.#once()
      times.push((performance.now() - begun) * 1000)
    }
    return times
  }

  close(): void {
    this.#socket.destroy()
  }

  #once(): Promise<void> {
    return new Promise((resolve, reject) => {
      let octets = 0
      const onData = (chunk: Buffer) => {
        octets += chunk.length
        if (octets < OCTETS) return
        this.#socket.off('data', onData).off('error', reject)
        resolve()
      }
      this.#socket.on('data', onData).on('error', reject)
      this.#socket.write(this.#request)
    })
  }
}
