// npm run -s bench -- [NAME …] [--quick] [--json]
// Measures, and compares within one run: a ratio of two figures taken in turn survives the moods of a machine, an absolute
// figure does not. Exit code 1 when a goal is missed, 2 for a wrong command line.

import { parseArgs } from 'node:util'
import { type Bench, type Figure, toRows } from './figures.ts'
import { flows } from './flows.ts'
import { million } from './million.ts'
import { postgres } from './postgres.ts'
import { radius } from './radius.ts'
import { serverRequest } from './server-request.ts'
import { sessionMemory } from './session-memory.ts'
import { telemetry } from './telemetry.ts'
import { throughput } from './throughput.ts'
import { tunnelLatency } from './tunnel-latency.ts'
import { watchers } from './watchers.ts'
import { workers } from './workers.ts'

const benches: readonly Bench[] = [
  flows,
  serverRequest,
  postgres,
  million,
  watchers,
  radius,
  throughput,
  sessionMemory,
  tunnelLatency,
  telemetry,
  workers,
]
const names = benches.flatMap((bench) => bench.names)

const USAGE = `Usage: npm run -s bench -- [NAME …] [--quick] [--json]\nNames: ${names.join(', ')}\n`

const { wanted, quick, json } = readCommandLine()
const figures: Record<string, Figure> = {}
const say = (text: string) => process.stderr.write(`${text}\n`)
const chosen = benches.filter((bench) => bench.names.some((name) => wanted.includes(name)))
for (const [at, bench] of chosen.entries()) {
  say(`${at + 1} of ${chosen.length}: ${bench.names.filter((name) => wanted.includes(name)).join(', ')}`)
  Object.assign(figures, await bench.run({ wanted, quick, say: (text) => say(`  ${text}`) }))
}

process.stdout.write(json ? `${JSON.stringify(figures, null, 2)}\n` : toRows(figures))
process.exitCode = Object.values(figures).every((figure) => figure.ok) ? 0 : 1

function readCommandLine(): { wanted: readonly string[]; quick: boolean; json: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    if (values.help) {
      process.stdout.write(USAGE)
      process.exit(0)
    }
    const unknown = positionals.filter((name) => !names.includes(name))
    if (unknown.length > 0) throw new Error(`There is no bench ${unknown.join(', ')}.`)
    const wanted = positionals.length > 0 ? positionals : names
    return { wanted, quick: values.quick ?? false, json: values.json ?? false }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}
