// What it costs to be watched: remote authentications with nothing on, with the gateway's metrics, and with traces of all three
// roles sent to a collector, a process of its own. All roles run in this process, on one core, and take turns.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { silent } from '@opencpns/io'
import { connect } from '@opencpns/pne'
import { closeTelemetry, openTelemetry } from '../packages/cli/src/telemetry.ts'
import { anyPort, Stage } from '../test/support/stage.ts'
import { type Bench, type BenchOptions, compared, type Figure, plain } from './figures.ts'
import { inTurn } from './turns.ts'

/** Takes what comes, says yes, and prints where it is. */
const SINK = `
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.on('disconnect', () => process.exit())`

export const telemetry: Bench = {
  names: ['telemetry'],
  async run({ quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    const { sink, port } = await openSink()
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`
    const tracers = { pne: await openTelemetry('pne'), server: await openTelemetry('server') }
    const plainStage = await Stage.open({ logger: silent })
    const tracedStage = await Stage.open({ logger: silent, tracer: tracers.server })
    try {
      const away = await plainStage.gateway('off-gw')
      const measured = await plainStage.gateway('metrics-gw', { metrics: anyPort })
      const traced = await tracedStage.gateway('traces-gw', { tracer: await openTelemetry('gateway') })
      await plainStage.gateway('home-gw')
      await tracedStage.gateway('home-gw')
      const credential = await plainStage.pair('watch', 'home-gw')
      const tracedCredential = await tracedStage.pair('watch', 'home-gw')
      const through = (options: Parameters<typeof connect>[0]) => async () => (await connect(options)).close()
      const flows = {
        off: through({ ...away.address, credential }),
        metrics: through({ ...measured.address, credential }),
        traces: through({ ...traced.address, credential: tracedCredential, tracer: tracers.pne }),
      }
      return figuresOf(await inTurn({ flows, ...(quick ? { rounds: 7, ms: 200 } : { rounds: 25, ms: 400 }), say }))
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
