// Fuzzes the RADIUS codec: `npm run fuzz -- [--seed N] [--count N]`. Packets are mutated from valid ones or purely random, the same for the
// same seed. Nothing may come out of the codec but a value or its own error, and memory may not grow.

import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { mutate, type Random, randomOctets, randomSource } from './mutations.ts'
import { exercise, type Tally } from './radius.ts'
import { seedPackets } from './seeds.ts'

const ALLOWED_GROWTH_OCTETS = 16 * 2 ** 20
const ALLOWED_RSS_GROWTH_OCTETS = 96 * 2 ** 20
const PURELY_RANDOM = 0.2

// A refusal is an exception, and most of its cost the stack, which only a failure needs.
Error.stackTraceLimit = 1

const { values } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string', default: '10000000' } } })
const seed = wholeNumber('--seed', values.seed ?? String(Date.now() % 2 ** 32))
const count = wholeNumber('--count', values.count)
process.exitCode = fuzz(seed, count) ? 0 : 1

function fuzz(seed: number, count: number): boolean {
  print(`fuzz: ${count} RADIUS packets, --seed ${seed}`)
  const random = randomSource(seed)
  const seeds = seedPackets()
  const tally: Tally = { decoded: 0, refused: 0 }
  const started = performance.now()
  const tenth = Math.max(1, Math.floor(count / 10))
  let early: Memory | undefined
  for (let i = 1; i <= count; i++) {
    const octets = next(random, seeds)
    try {
      exercise(octets, tally)
    } catch (error) {
      print(
        `fuzz: FAILED at packet ${i} of --seed ${seed}: ${(error as Error).stack}\npacket: ${octets.toString('hex')}`,
      )
      return false
    }
    if (i % tenth !== 0) continue
    early ??= memoryNow()
    print(`fuzz: ${i} packets, ${tally.decoded} decoded, ${tally.refused} refused, ${seconds(started)} s`)
  }
  return memoryHolds(early ?? memoryNow(), memoryNow()) && summary(tally, started)
}

function next(random: Random, seeds: readonly Buffer[]): Buffer {
  return random.chance(PURELY_RANDOM) ? randomOctets(random) : mutate(random, seeds)
}

interface Memory {
  heap: number
  rss: number
}

function memoryNow(): Memory {
  collectGarbage()
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  return { heap: heapUsed + external + arrayBuffers, rss }
}

/** node's --expose-gc, without having to be started with it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  gc()
  gc()
}

function memoryHolds(early: Memory, late: Memory): boolean {
  const heap = late.heap - early.heap
  const rss = late.rss - early.rss
  print(`fuzz: memory from 10 % to the end: heap ${mebibytes(heap)}, rss ${mebibytes(rss)}`)
  if (heap <= ALLOWED_GROWTH_OCTETS && rss <= ALLOWED_RSS_GROWTH_OCTETS) return true
  print(
    `fuzz: FAILED: memory grew by more than ${mebibytes(ALLOWED_GROWTH_OCTETS)} of heap or ${mebibytes(ALLOWED_RSS_GROWTH_OCTETS)} of rss`,
  )
  return false
}

function summary({ decoded, refused }: Tally, started: number): true {
  print(
    `fuzz: passed: ${decoded + refused} packets, ${decoded} decoded, ${refused} refused, in ${seconds(started)} s, --seed ${seed}`,
  )
  return true
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1)
}

function mebibytes(octets: number): string {
  return `${(octets / 2 ** 20).toFixed(1)} MiB`
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) {
    print(`fuzz: ${option} takes a whole number, not "${text}"`)
    process.exit(2)
  }
  return Number(text)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
