#!/usr/bin/env node
// Starts the command line with a Node that can run it: this one, or else the one that `npm ci` put into the checkout.
// Plain JavaScript without new syntax, so that an old Node can read it and say what it lacks.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const MAJOR_NEEDED = 24

if (Number.parseInt(process.versions.node, 10) >= MAJOR_NEEDED) await start()
else restart()

/** A checkout runs its sources as they are; a published package has only what was built from them. */
async function start() {
  module.enableCompileCache?.()
  silenceKnownWarnings()
  const source = new URL('../src/main.ts', import.meta.url)
  const { main } = await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href)
  await main(process.argv.slice(2))
}

/** Only these two, and only as experimental: what they warn of was decided on. Every other warning is printed. */
function silenceKnownWarnings() {
  const printers = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    const known = /^(SQLite|Type Stripping) is an experimental feature/.test(warning.message)
    if (!(known && warning.name === 'ExperimentalWarning')) for (const print of printers) print(warning)
  })
}

/** The same command again under the newer Node: same terminal, signals passed on, its exit code or signal kept. */
function restart() {
  const node = findNode()
  if (node === undefined) {
    process.stderr.write(
      `opencpns: cannot run on Node ${process.versions.node}: it needs Node ${MAJOR_NEEDED} or newer. ` +
        'Install that, or run npm ci in the checkout, which brings it\n',
    )
    process.exit(1)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`opencpns: cannot start ${node}: ${error.message}. Run npm ci again\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const one of signals) process.removeAllListeners(one)
    process.kill(process.pid, signal)
  })
}

function findNode() {
  try {
    const home = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const node = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(node) ? node : undefined
  } catch {
    return undefined
  }
}
