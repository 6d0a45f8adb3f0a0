// npm run -s faults -- [NAME …] [--short] [--json]
// Does each fault to real processes, and finds whether what is promised holds. Progress goes to stderr. The long form writes what
// it found into docs/reliability.md. Exit code 1 when a promise is broken, 2 for a wrong command line.

import { readFileSync, writeFileSync } from 'node:fs'
import { inspect, parseArgs } from 'node:util'
import { faults } from './all.ts'
import { withFindings } from './document.ts'
import { attempt, type Finding } from './support/fault.ts'

const DOCUMENT = new URL('../../docs/reliability.md', import.meta.url)
const USAGE = `Usage: npm run -s faults -- [NAME …] [--short] [--json]\nNames: ${faults.map(({ name }) => name).join(', ')}\n`

const { names, short, json } = readCommandLine()
const findings: Record<string, Finding> = {}
let undo = async () => {}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void undo().finally(() => process.exit(130)))
}

for (const fault of faults) {
  if (!names.includes(fault.name)) continue
  const say = (text: string) => process.stderr.write(`${fault.name}: ${text}\n`)
  const begun = performance.now()
  const finding = await attempt(fault, { short, say }, (way) => {
    undo = way
  }).catch(brokenOff)
  findings[fault.name] = { ...finding, seconds: Math.round((performance.now() - begun) / 1000) }
  for (const promise of finding.broken ?? []) say(`BROKEN: ${promise}`)
  say(finding.says)
}

if (!short) writeFileSync(DOCUMENT, withFindings(readFileSync(DOCUMENT, 'utf8'), findings))
if (json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`)
else
  for (const [name, { ok, says }] of Object.entries(findings))
    process.stdout.write(`${ok ? 'ok' : 'NOT OK'}  ${name}: ${says}\n`)
// A trial that broke off may have left something under way.
process.stdout.write('', () => process.exit(Object.values(findings).every(({ ok }) => ok) ? 0 : 1))

/** A fault that could not be tried to its end keeps no promise. */
function brokenOff(error: unknown): Finding {
  const says =
    error instanceof Error ? `${error.message}${error.cause ? ` (${inspect(error.cause)})` : ''}` : String(error)
  return { ok: false, broken: ['the trial comes to its end'], says }
}

function readCommandLine(): { names: readonly string[]; short: boolean; json: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { short: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    if (values.help) {
      process.stdout.write(USAGE)
      process.exit(0)
    }
    const unknown = positionals.filter((name) => !faults.some((fault) => fault.name === name))
    if (unknown.length > 0) throw new Error(`There is no fault ${unknown.join(', ')}.`)
    const names = positionals.length > 0 ? positionals : faults.map(({ name }) => name)
    return { names, short: values.short ?? false, json: values.json ?? false }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}
