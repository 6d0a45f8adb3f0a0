// Flows that are compared take turns, so that whatever slows the machine slows all of them.

import { median } from './figures.ts'

/** Flows under way at once: enough that no core waits for a socket. */
const CONCURRENCY = 8

export type Flow = () => Promise<void>

interface Turns<Name extends string> {
  readonly flows: Readonly<Record<Name, Flow>>
  readonly rounds: number
  /** How long a turn lasts. */
  readonly ms: number
  /** Progress, for people. */
  readonly say: (text: string) => void
}

/** The median rate of each flow, in flows per second of processor time, over rounds in which each has its turn. */
export async function inTurn<Name extends string>({
  flows,
  rounds,
  ms,
  say,
}: Turns<Name>): Promise<Record<Name, number>> {
  const named = Object.entries(flows) as [Name, Flow][]
  const rates = new Map<Name, number[]>(named.map(([name]) => [name, []]))
  for (const [, flow] of named) await rate(flow, ms)
  for (let round = 1; round <= rounds; round++) {
    // There and back, so that whatever gets slower with time does so for all.
    for (const [name, flow] of round % 2 ? named : named.toReversed()) rates.get(name)?.push(await rate(flow, ms))
    const now = [...rates].map(([name, of]) => `${name} ${Math.round(of.at(-1) ?? 0)}/s`)
    say(`round ${round} of ${rounds}: ${now.join(', ')}`)
  }
  return Object.fromEntries([...rates].map(([name, of]) => [name, median(of)])) as Record<Name, number>
}

/** Flows in a second of processor time: what one core does, whoever else wants the machine. */
async function rate(flow: Flow, ms: number): Promise<number> {
  const begun = performance.now()
  const before = process.cpuUsage()
  let done = 0
  const worker = async () => {
    while (performance.now() - begun < ms) {
      await flow()
      done++
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  const { user, system } = process.cpuUsage(before)
  return (done / (user + system)) * 1e6
}
