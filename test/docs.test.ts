// The documents say what the code does: the generated parts of docs/protocol.md are what the declarations print.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generatedProtocol, messages } from '../scripts/generated.ts'

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
