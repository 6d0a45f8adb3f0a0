// Processor time of one authentication by EAP-GPSK, ciphersuite 2, through RADIUS over UDP: our server's process beside hostapd's,
// asked by the same generator in the same run. The time is the operating system's account of each process.
//
// hostapd has 1,000 places for sessions and keeps each for 5 s after a success, so it can do 200 in a second and no more: it is
// asked in bursts that fit, with pauses, and only its processor time is compared.

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Bench, type BenchOptions, compared, type Figure, plain } from './figures.ts'
import type { Load, Outcome } from './radius/generator.ts'
import { end, isThere, processorS, spawnOn } from './radius/process.ts'
import { type Responder, startHostapd, startServer } from './radius/responders.ts'

const GENERATOR = fileURLToPath(new URL('./radius/generator.ts', import.meta.url))
const INSTALL = 'hostapd is missing: apt-get install hostapd'
const BURST = 900
const PAUSE_S = 5.5
const IN_FLIGHT = 128
const RATE_AT_LEAST = 5000
/** A generator that takes this much of its core is what limits the rate. */
const SATURATED = 0.95

interface Plan {
  /** On hostapd, before the load on our server and once more after it. */
  readonly bursts: number
  /** Until our code is compiled. */
  readonly warmUpS: number
  /** Of the sustained load on our server. It is a pause for hostapd. */
  readonly seconds: number
}

const QUICK: Plan = { bursts: 1, warmUpS: 1.5, seconds: PAUSE_S }
const FULL: Plan = { bursts: 2, warmUpS: 5, seconds: 30 }

export const radius: Bench = {
  names: ['radius', 'hostapd'],
  async run({ quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    if (!isThere('hostapd')) {
      say(`radius: skipped, for there is nothing to compare with. ${INSTALL}`)
      return {}
    }
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const generator = new Generator()
    const responders: Responder[] = []
    try {
      const ours = await startServer(folder)
      responders.push(ours)
      const theirs = await startHostapd(folder)
      responders.push(theirs)
      return await measure(ours, theirs, generator, quick ? QUICK : FULL, say)
    } finally {
      for (const { process } of responders) await end(process)
      await generator.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function measure(
  ours: Responder,
  theirs: Responder,
  generator: Generator,
  { bursts, warmUpS, seconds }: Plan,
  say: (text: string) => void,
): Promise<Record<string, Figure>> {
  const measured: Measured[] = []
  const askTheirs = async () => {
    for (let at = 1; at <= bursts; at++) {
      measured.push(await generator.load(theirs, { count: BURST }))
      say(`hostapd: ${describe(measured.at(-1))}`)
      if (at < bursts) await sleep(PAUSE_S * 1000)
    }
  }
  // Half of the bursts before and half after: what changes on the machine meanwhile, changes for both.
  await askTheirs()
  await generator.load(ours, { seconds: warmUpS })
  const sustained = await generator.load(ours, { seconds })
  say(`our server: ${describe(sustained)}`)
  await askTheirs()
  return figuresOf(sustained, measured)
}

function figuresOf(ours: Measured, bursts: readonly Measured[]): Record<string, Figure> {
  const done = bursts.reduce((sum, burst) => sum + burst.done, 0)
  const failed = bursts.reduce((sum, burst) => sum + burst.failed, 0)
  const hostapd = (bursts.reduce((sum, burst) => sum + burst.serverS, 0) / done) * 1e6
  const figure = compared((ours.serverS / ours.served) * 1e6, 'µs', { value: hostapd, to: 'hostapd' }, { atMost: 1 })
  const ratePerS = Math.round(ours.done / ours.seconds)
  return {
    radius: {
      ...figure,
      goal: `${figure.goal}, ≥ 5,000/s, 0 failed`,
      ok: figure.ok && ratePerS >= RATE_AT_LEAST && ours.failed === 0,
      ratePerS,
      failed: ours.failed,
      resent: ours.resent,
      seconds: Math.round(ours.seconds),
      generator: Math.round(shareOf(ours) * 100) / 100,
      limitedBy: shareOf(ours) >= SATURATED ? 'generator' : 'server',
    },
    hostapd: { ...plain(hostapd, 'µs'), authentications: done, failed },
  }
}

interface Measured extends Outcome {
  /** Processor time of the server's process. */
  readonly serverS: number
}

/** How much of one core the generator took. */
function shareOf({ processorS, seconds }: Outcome): number {
  return processorS / seconds
}

function describe(measured: Measured | undefined): string {
  if (!measured) return ''
  const { served, done, failed, seconds, serverS } = measured
  const each = (serverS / served) * 1e6
  const share = Math.round(shareOf(measured) * 100)
  const saturated = shareOf(measured) >= SATURATED ? ', which is all it can do' : ''
  return `${each.toFixed(1)} µs each, ${Math.round(done / seconds)}/s, ${failed} failed; generator at ${share} % of its core${saturated}`
}

/** The process that asks. */
class Generator {
  readonly #process = spawnOn(1, process.execPath, [GENERATOR], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })

  async load(at: Responder, load: Pick<Load, 'count' | 'seconds'>): Promise<Measured> {
    const { port, secret, devices } = at
    const pid = at.process.pid ?? 0
    const before = processorS(pid)
    this.#process.send({ port, secret, devices, inFlight: IN_FLIGHT, ...load } satisfies Load)
    const [outcome] = (await once(this.#process, 'message')) as [Outcome]
    return { ...outcome, serverS: processorS(pid) - before }
  }

  close(): Promise<void> {
    return end(this.#process)
  }
}
