// The documents say what the code does: what is generated is what the declarations and the sources say.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorUnions, generatedErrors, generatedProtocol, messages } from '../scripts/generated.ts'
import { generatedScaling } from '../scripts/scaling.ts'

const root = new URL('../', import.meta.url)
const document = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')

test('docs/protocol.md holds the CDDL of the messages as they are declared (npm run docs writes it)', () => {
  assert.equal(document, generatedProtocol(document))
})

test('docs/protocol.md names every message', () => {
  const unnamed = messages.filter((message) => !document.includes(`  0 => ${message.number},`))
  assert.deepEqual(
    unnamed.map((message) => message.name),
    [],
  )
})

test('docs/errors.md lists the error codes as they stand in the sources (npm run docs writes it)', () => {
  assert.equal(readFileSync(new URL('docs/errors.md', root), 'utf8'), generatedErrors(root))
})

test('each error code says beside it what it means', () => {
  const unions = errorUnions(root)
  assert.ok(unions.length >= 12, 'all unions of error codes are found')
  const mute = unions.flatMap(({ name, codes }) =>
    codes.filter(({ meaning }) => meaning === '').map(({ code }) => `${name} ${code}`),
  )
  assert.deepEqual(mute, [])
})

test('docs/scaling.md is what the measured costs come to (npm run docs writes it)', () => {
  assert.equal(readFileSync(new URL('docs/scaling.md', root), 'utf8'), generatedScaling(root))
})

test('docs/scaling.md has a number for each need', () => {
  assert.doesNotMatch(generatedScaling(root), /NaN|Infinity|undefined/)
})
