// The test vectors are what the code derives, and what an implementation in Python, written from docs/protocol.md, derives.

import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { vectorFiles } from '../scripts/vectors/files.ts'
import { runPython, withoutPython } from './interop/python/run.ts'

const folder = fileURLToPath(new URL('../docs/vectors/', import.meta.url))

for (const [name, derived] of vectorFiles()) {
  test(`docs/vectors/${name} is what the code derives`, async () => {
    const stored = await readFile(join(folder, name), 'utf8')
    assert.ok(stored === derived, `docs/vectors/${name} differs: run npm run vectors and look at what changed`)
  })
}

test('an independent implementation derives the same vectors', { skip: withoutPython }, async () => {
  const { code, stdout, stderr } = await runPython('check_vectors.py', [folder])
  assert.equal(code, 0, stderr)
  for (const name of [...vectorFiles().keys(), 'eap-gpsk.json']) assert.match(stdout, new RegExp(`^${name}: `, 'm'))
})

// Each changes one thing that the independent check must notice, and says how the check names it.
const changes: [file: string, what: string, under: string, named: RegExp][] = [
  ['keys.json', 'an identity', '"out"', /keys\.json: identity/],
  ['messages.json', 'a body', '"body"', /messages\.json: AuthenticationRequest: least/],
  ['local.json', 'a transcript hash', '"transcriptHash"', /local\.json: presence.*transcript hash/],
  ['local.json', 'a frame in the clear', '"frame"', /local\.json: presence.*transcript hash/],
  ['remote.json', 'a TK', '"transientKey"', /remote\.json: by ciphersuite 2.*TK/],
  ['remote.json', 'GPSK-3', '"gpsk3"', /remote\.json: by ciphersuite 2.*GPSK-3/],
  ['pairing.json', 'a PSK', '"psk"', /pairing\.json: pairing.*PSK/],
  ['eap-gpsk.json', 'an MSK', '"msk"', /eap-gpsk\.json: .*MSK/],
]

test('the independent check fails, and names the vector, when one octet is changed', {
  skip: withoutPython,
}, async (t) => {
  for (const [file, what, under, named] of changes) {
    await t.test(`${what} in ${file}`, async (t) => {
      const copy = await mkdtemp(join(tmpdir(), 'vectors-'))
      t.after(() => rm(copy, { recursive: true, force: true }))
      await cp(folder, copy, { recursive: true })
      const changed = flip(await readFile(join(folder, file), 'utf8'), under)
      await rm(join(copy, file))
      await writeFile(join(copy, file), changed)
      const { code, stderr } = await runPython('check_vectors.py', [copy])
      assert.equal(code, 1)
      assert.match(stderr, named)
    })
  }
})

/** The text with the last character of the first string under `name` changed: one bit of its last octet. */
function flip(text: string, name: string): string {
  const start = text.indexOf('"', text.indexOf(`${name}:`) + name.length + 1)
  const at = text.indexOf('"', start + 1) - 1
  const other = text[at] === '0' ? '1' : '0'
  return text.slice(0, at) + other + text.slice(at + 1)
}
