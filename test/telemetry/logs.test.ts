// Every line of a log has a stable event, and docs/operations/logs.md has all of them and no other.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const sources = globSync('packages/{cli,gateway,io,pne,radius,server}/src/**/*.ts', { cwd: root }).sort()

/** Events as they stand in facts: `{ event: 'name', …`. A listener's `(event: 'name', …)` is none. */
const EVENT = /(?<!\()\bevent: '([a-z-]+)'/g
/** A call of a logger, up to where its facts begin. */
const LOG = /\b(?:logger|log)\??\.?(?:\[[^\]]+\]|(?:debug|info|warn|error))\(\s*/gi

test('each event of the sources is in the document, and each of the document in the sources', () => {
  const used = new Set(sources.flatMap((file) => [...read(file).matchAll(EVENT)].map(([, event]) => event)))
  const document = read('docs/operations/logs.md').split('## Server')[1] ?? ''
  const rows = [...document.matchAll(/^\| (`[a-z`, -]+`) \|/gm)].flatMap(([, cell = '']) => namesIn(cell))
  const results = namesIn(document.split('## Documents on standard output')[1] ?? '')
  const listed = new Set([...rows, ...results.filter((name) => used.has(name))])
  assert.ok(rows.length > 60)
  assert.deepEqual([...listed].sort(), [...used].sort())
})

const namesIn = (text: string) => [...text.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name)

test('each line of a log has an event', () => {
  let count = 0
  for (const file of sources) {
    const source = read(file)
    for (const { index, 0: call } of source.matchAll(LOG)) {
      const facts = source.slice(index + call.length, index + call.length + 40)
      // What is built before has it there; the test above sees it.
      if (!facts.startsWith('{') || facts.startsWith('{ ...')) continue
      assert.match(facts, /^\{\s*event: '/, `${file}: ${facts.split('\n')[0]}`)
      count++
    }
  }
  assert.ok(count > 40, `${count}`)
})
