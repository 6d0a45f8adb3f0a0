// The runner of the faults, and the document that it writes.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { faults } from './all.ts'
import { namesIn, withFindings } from './document.ts'
import { attempt, type Fault, Promises } from './support/fault.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
const quiet = { short: true, say: () => {} }

test('a wrong command line ends with exit code 2, nothing on stdout, and the names', () => {
  for (const args of [['meteorite'], ['clock', 'meteorite'], ['--fast'], ['--short=yes'], ['clock', '--help=no']]) {
    const { status, stdout, stderr } = run(...args)
    assert.deepEqual([status, stdout], [2, ''], args.join(' '))
    assert.match(stderr, /Names: replica-kill, /)
  }
})

test('a promise that is broken makes the finding not ok, and is named', async () => {
  const promises = new Promises()
  promises.keep('the sun rises', true)
  assert.deepEqual(promises.finding('it rose', { times: 1 }), { ok: true, says: 'it rose', times: 1 })
  promises.keep('it never rains', false)
  const { ok, broken } = promises.finding('it rained', {})
  assert.deepEqual([ok, broken], [false, ['it never rains']])
})

test('what a trial did to the machine is undone, last first, also when it fails', async () => {
  const undone: string[] = []
  const failing: Fault = {
    name: 'failing',
    attempt: async ({ after }) => {
      after(() => undone.push('first'))
      after(() => undone.push('second'))
      throw new Error('it fails')
    },
  }
  await assert.rejects(attempt(failing, quiet), /it fails/)
  assert.deepEqual(undone, ['second', 'first'])
})

test('what is not undone on a signal is undone once, though the trial goes on to its end', async () => {
  let undone = 0
  const { promise: asked, resolve: ask } = Promise.withResolvers<() => Promise<void>>()
  const slow: Fault = {
    name: 'slow',
    attempt: async ({ after }) => {
      after(() => undone++)
      await (await asked)()
      return { ok: true, says: '' }
    },
  }
  await attempt(slow, quiet, ask)
  assert.equal(undone, 1)
})

const document =
  '# Words\n<!-- findings -->\n| head |\n| `clock` | old | then |\n| `network` | old | then |\n<!-- /findings -->\nmore'

test('findings take the place of older ones; what was not tried stays', () => {
  const written = withFindings(document, { clock: { ok: true, says: 'a | b' }, standby: { ok: true, says: 'new' } })
  assert.deepEqual(namesIn(written), ['clock', 'network', 'standby'])
  assert.match(written, /^\| `clock` \| a \\\| b \| \d{4}-\d\d-\d\d, \d+ cores, Node /m)
  assert.match(written, /^\| `network` \| old \| then \|$/m)
  assert.ok(written.startsWith('# Words\n') && written.endsWith('\nmore'))
})

test('what was not as promised stands in the table as that', () => {
  const written = withFindings(document, { clock: { ok: false, broken: ['it is right'], says: 'it was wrong' } })
  assert.match(written, /\*\*not as promised; it is right\*\*\. it was wrong/)
})

test('docs/reliability.md has a row of what is promised for each fault, and no finding of another', () => {
  const text = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  const promised = text.split('<!-- findings -->')[0] ?? ''
  for (const { name } of faults) assert.ok(promised.includes(`| \`${name}\` |`), name)
  const known = new Set(faults.map(({ name }) => name))
  for (const name of namesIn(text)) assert.ok(known.has(name), name)
  assert.doesNotMatch(text, /not as promised/)
})
