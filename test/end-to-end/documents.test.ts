// What README.md and docs/cli.md tell a new user to type works as it is written, in order; only the ports are free ones.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../support/until.ts'

const root = new URL('../../', import.meta.url)
const launcher = fileURLToPath(new URL('packages/cli/bin/opencpns.js', root))

/** The commands of the first block of code under a heading, as words. */
async function commandsUnder(heading: string, file: string): Promise<string[][]> {
  const text = await readFile(new URL(file, root), 'utf8')
  const [, section = ''] = text.split(`\n${heading}\n`)
  const [, block = ''] = section.split('```\n')
  const lines = block.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) =>
    line
      .replace(/\s+#.*$/, '')
      .replace(/\s+&$/, '')
      .replace(/^npx /, '')
      .split(' ')
      .map((word) => word.replace(/^'(.*)'$/, '$1')),
  )
}

/** Runs them in a folder of their own; gives the output of the last. */
async function follow(commands: readonly string[][]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'opencpns-documents-'))
  const running: ChildProcess[] = []
  /** What the text says, and what it is here. */
  const here = new Map<string, string>()
  let printed = ''
  try {
    for (const [program, ...words] of commands) {
      assert.equal(program, 'opencpns')
      const args = words.map((word) => here.get(word) ?? word)
      const stays = args.includes('run')
      const ports = stays
        ? ['--listen', '127.0.0.1:0', ...(args[0] === 'server' ? ['--admin', '127.0.0.1:0'] : [])]
        : []
      const env = { ...process.env, NO_COLOR: '1' }
      const child = spawn(process.execPath, [launcher, ...args, ...ports], { cwd: folder, env })
      printed = ''
      let errors = ''
      child.stdout.on('data', (text) => {
        printed += text
      })
      child.stderr.on('data', (text) => {
        errors += text
      })
      if (stays) {
        running.push(child)
        await until(() => /127\.0\.0\.1:\d+/.test(printed) || child.exitCode !== null, words.join(' '), 60_000)
        assert.equal(child.exitCode, null, errors)
        const [address = ''] = /127\.0\.0\.1:\d+/.exec(printed) ?? []
        here.set(args[0] === 'server' ? '127.0.0.1:7410' : '127.0.0.1:7411', address)
      } else {
        const [code] = await once(child, 'close')
        assert.equal(code, 0, `${words.join(' ')}: ${errors}`)
        const uri = /cpns:\S+/.exec(printed)
        if (uri) here.set('cpns:…', uri[0])
      }
    }
    return printed
  } finally {
    for (const child of running) child.kill('SIGTERM')
    await Promise.all(running.map((child) => child.exitCode ?? once(child, 'exit')))
    await rm(folder, { recursive: true, force: true })
  }
}

for (const [heading, file] of [
  ['## By hand', 'README.md'],
  ['## From nothing to a secure session', 'docs/cli.md'],
] as const) {
  test(`the commands of "${heading.slice(3)}" in ${file} lead to a secure session`, async () => {
    const commands = await commandsUnder(heading, file)
    assert.ok(commands.length >= 8, `there are ${commands.length} commands`)
    assert.match(await follow(commands), /^Secure session with home-gw@example\.org .*: local case/)
  })
}
