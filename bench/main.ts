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

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
})
const wanted = positionals.length > 0 ? positionals : names
const unknown = wanted.filter((name) => !names.includes(name))

if (values.help || unknown.length > 0) {
  const out = values.help ? process.stdout : process.stderr
  if (unknown.length > 0) out.write(`There is no bench ${unknown.join(', ')}.\n`)
  out.write(`Usage: npm run -s bench -- [NAME …] [--quick] [--json]\nNames: ${names.join(', ')}\n`)
  process.exit(values.help ? 0 : 2)
}

const figures: Record<string, Figure> = {}
for (const bench of benches) {
  if (!bench.names.some((name) => wanted.includes(name))) continue
  const say = (text: string) => process.stderr.write(`${text}\n`)
  Object.assign(figures, await bench.run({ wanted, quick: values.quick ?? false, say }))
}

process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : toRows(figures))
process.exitCode = Object.values(figures).every((figure) => figure.ok) ? 0 : 1
