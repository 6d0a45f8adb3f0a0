// Runs a script of this folder with the Python of this machine, if there is one that can run it.

import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Why Python scripts cannot run here, with what to do about it; false where they can. For `skip` of node:test. */
export const withoutPython: string | false = missing()

interface Ended {
  /** Exit code, or the signal or error that ended it. */
  code: number | string | null
  stdout: string
  stderr: string
}

/** Runs `script` of this folder to its end, within 90 s. */
export function runPython(script: string, args: readonly string[], signal?: AbortSignal): Promise<Ended> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  return new Promise((resolve) => {
    execFile(
      'python3',
      ['-B', path, ...args],
      { timeout: 90_000, ...(signal && { signal }) },
      (error, stdout, stderr) => {
        resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, stdout, stderr })
      },
    )
  })
}

function missing(): string | false {
  const runs = (program: string, ...args: string[]) => spawnSync(program, args).status === 0
  if (runs('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 11))') && runs('openssl', 'version'))
    return false
  return 'python3 (3.11 or newer) and openssl (3.0 or newer) are needed: apt-get install python3 openssl'
}
