// The command line as processes of a bench.

import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const LAUNCHER = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))

/** The first line of standard output, as a document. */
export async function firstDocument<T>(child: ChildProcess): Promise<T> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  for await (const line of lines) return JSON.parse(line) as T
  throw new Error(`it ended without a document: ${child.spawnargs.join(' ')}`)
}
