// What Prometheus's own software says of our metrics and rules: the parser of its Python client, and promtool. Where they are
// installed; elsewhere a test says how to get them.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PARSER = fileURLToPath(new URL('parse-metrics.py', import.meta.url))

/** A family of metrics as the independent parser reads it. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly {
    readonly name: string
    readonly labels: Record<string, string>
    readonly value: number
  }[]
}

/** Debian's parser belongs to Debian's Python; another one may come first in the path. */
const python = ['python3', '/usr/bin/python3'].find((one) => runs(one, '-c', 'import prometheus_client.parser'))

/** For `skip` of node:test. */
export const withoutParser = python === undefined && 'the parser is missing: apt-get install python3-prometheus-client'
export const withoutPromtool = !runs('promtool', '--version') && 'promtool is missing: apt-get install prometheus'

/** @throws {Error} the text is not what Prometheus reads */
export function parseIndependently(text: string): Family[] {
  return JSON.parse(run(python ?? '', [PARSER], text))
}

/** @throws {Error} with what it has to say, when it is not content */
export function promtool(args: readonly string[], input = ''): string {
  return run('promtool', args, input)
}

function run(program: string, args: readonly string[], input: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', timeout: 30_000 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status}: ${stdout}${stderr}`)
  return stdout
}

function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args).status === 0
}
