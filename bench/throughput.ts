// Octets a second through device and gateway to a service, one stream, beside stunnel4 in the same run; and the processor time that
// each needs for a gigabyte. The two take turns.

import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Bench, type BenchOptions, compared, type Figure, median, plain } from './figures.ts'
import { openTunnels, type Way } from './tunnel/tunnels.ts'

const MIB = 2 ** 20
const chunk = Buffer.alloc(MIB / 4, 1)

/** Until our code is compiled. */
const WARM_UP = 2

interface Plan {
  readonly rounds: number
  readonly mib: number
}

const QUICK: Plan = { rounds: 4, mib: 96 }
const FULL: Plan = { rounds: 9, mib: 512 }

export const throughput: Bench = {
  names: ['throughput', 'stunnel'],
  async run({ quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    const tunnels = await openTunnels('throughput', say)
    if (!tunnels) return {}
    try {
      const { rounds, mib } = quick ? QUICK : FULL
      const ours: Round[] = []
      const theirs: Round[] = []
      for (let at = 0; at < WARM_UP; at++) await send(tunnels.ours, mib)
      for (let round = 1; round <= rounds; round++) {
        ours.push(await send(tunnels.ours, mib))
        theirs.push(await send(tunnels.stunnel, mib))
        say(`round ${round} of ${rounds}: ours ${describe(ours.at(-1))}, stunnel4 ${describe(theirs.at(-1))}`)
      }
      return figuresOf(ours, theirs)
    } finally {
      await tunnels.close()
    }
  },
}

interface Round {
  readonly mibPerS: number
  readonly processorSPerGb: number
}

/** So much in one stream; measured until the service has said that it has all. */
async function send({ sink, processorS }: Way, mib: number): Promise<Round> {
  const socket = connect({ port: sink, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const counted = text(socket)
  const before = processorS()
  const begun = performance.now()
  let left = (mib * MIB) / chunk.length
  const write = () => {
    for (; left > 0; left--) {
      if (!socket.write(chunk)) {
        left--
        return
      }
    }
    socket.end()
  }
  socket.on('drain', write)
  write()
  if (Number(await counted) !== mib * MIB) throw new Error('not all octets came to the service')
  const seconds = (performance.now() - begun) / 1000
  return { mibPerS: mib / seconds, processorSPerGb: (processorS() - before) / ((mib * MIB) / 1e9) }
}

function figuresOf(ours: readonly Round[], theirs: readonly Round[]): Record<string, Figure> {
  const rate = (rounds: readonly Round[]) => median(rounds.map(({ mibPerS }) => mibPerS))
  const cost = (rounds: readonly Round[]) => {
    return Math.round(median(rounds.map(({ processorSPerGb }) => processorSPerGb)) * 1000) / 1000
  }
  const to = { value: rate(theirs), to: 'stunnel' }
  return {
    throughput: { ...compared(rate(ours), 'MiB/s', to, { atLeast: 0.9 }), processorSPerGb: cost(ours) },
    stunnel: { ...plain(to.value, 'MiB/s'), processorSPerGb: cost(theirs) },
  }
}

function describe({ mibPerS, processorSPerGb }: Round = { mibPerS: 0, processorSPerGb: 0 }): string {
  return `${Math.round(mibPerS)} MiB/s and ${processorSPerGb.toFixed(2)} s of processor time a gigabyte`
}
