// What it costs to be watched: remote authentications with nothing on, with the gateway's metrics, and with traces of all three
// roles sent to a collector, a process of its own. All roles run in this process, on one core, and take turns.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { connect } from '@opencpns/pne'
import { closeTelemetry, openTelemetry } from '../packages/cli/src/telemetry.ts'
import { type Bench, type BenchOptions, compared, type Figure, median, plain } from './figures.ts'
import { Stage } from './stage.ts'

/** Flows under way at once: enough that no core waits for a socket. */
const CONCURRENCY = 8

/** Takes what comes, says yes, and prints where it is. */
const SINK = `
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.on('disconnect', () => process.exit())`

type Flow = () => Promise<void>

export const telemetry: Bench = {
  names: ['telemetry'],
  async run({ quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    const { sink, port } = await openSink()
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`
    const tracers = { pne: await openTelemetry('pne'), server: await openTelemetry('server') }
    const plainStage = await Stage.open()
    const tracedStage = await Stage.open({ tracer: tracers.server })
    try {
      const away = await plainStage.gateway('off-gw')
      const measured = await plainStage.gateway('metrics-gw', { metrics: { host: '127.0.0.1', port: 0 } })
      const traced = await tracedStage.gateway('traces-gw', { tracer: await openTelemetry('gateway') })
      await plainStage.gateway('home-gw')
      await tracedStage.gateway('home-gw')
      const credential = await plainStage.pair('watch', 'home-gw')
      const tracedCredential = await tracedStage.pair('watch', 'home-gw')
      const through = (options: Parameters<typeof connect>[0]) => async () => (await connect(options)).close()
      const rates = await inTurn(
        {
          off: through({ ...away.address, credential }),
          metrics: through({ ...measured.address, credential }),
          traces: through({ ...traced.address, credential: tracedCredential, tracer: tracers.pne }),
        },
        quick ? { rounds: 9, ms: 250 } : { rounds: 25, ms: 400 },
        say,
      )
      return figuresOf(rates)
    } finally {
      await plainStage.close()
      await tracedStage.close()
      await closeTelemetry()
      sink.kill()
    }
  },
}

function figuresOf({ off, metrics, traces }: Record<'off' | 'metrics' | 'traces', number>): Record<string, Figure> {
  const to = { value: off, to: 'telemetry' }
  return {
    telemetry: plain(off, 'flows/s'),
    'telemetry-metrics': compared(metrics, 'flows/s', to, { atLeast: 0.95 }),
    'telemetry-traces': compared(traces, 'flows/s', to, { atLeast: 0.7 }),
  }
}

async function openSink(): Promise<{ sink: ChildProcess; port: string }> {
  const sink = spawn(process.execPath, ['-e', SINK], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const [port] = await once(sink.stdout as Readable, 'data')
  return { sink, port: String(port).trim() }
}

/** The median rate of each flow over rounds in which each has its turn. */
async function inTurn<Name extends string>(
  flows: Record<Name, Flow>,
  { rounds, ms }: { rounds: number; ms: number },
  say: (text: string) => void,
): Promise<Record<Name, number>> {
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

/** Flows in a second of processor time. */
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
