import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { revocationTag, transientKeyId } from '@opencpns/protocol'
import { TransientKeys } from '../src/transient-keys.ts'

const someone = () => ({ transientKey: randomBytes(32), secondSeed: randomBytes(32), pneId: 'pne-1', lifetimeS: 3600 })

test('a TK is found by its id, by its own PNE alone', () => {
  const keys = new TransientKeys()
  const pne = someone()
  keys.add(pne)
  const id = transientKeyId(pne.transientKey)
  assert.deepEqual(keys.find(id, pne.secondSeed)?.transientKey, pne.transientKey)
  assert.equal(keys.find(id, randomBytes(32)), undefined)
  assert.equal(keys.find(randomBytes(16), pne.secondSeed), undefined)
})

test('a TK ends with its lifetime', () => {
  let now = 0
  const keys = new TransientKeys({ now: () => now })
  const pne = someone()
  keys.add(pne)
  const id = transientKeyId(pne.transientKey)
  now = 3_599_999
  assert.ok(keys.find(id, pne.secondSeed))
  now = 3_600_000
  assert.equal(keys.find(id, pne.secondSeed), undefined)
  assert.equal(keys.size, 0)
})

test('a revoked PNE has no TK any more', () => {
  const keys = new TransientKeys()
  const pne = someone()
  keys.add(pne)
  keys.drop(revocationTag(pne.secondSeed).toString('hex'))
  assert.equal(keys.find(transientKeyId(pne.transientKey), pne.secondSeed), undefined)
})

test('a newer TK of a PNE takes the place of the older one', () => {
  const keys = new TransientKeys()
  const pne = someone()
  keys.add(pne)
  keys.add({ ...pne, transientKey: randomBytes(32) })
  assert.equal(keys.find(transientKeyId(pne.transientKey), pne.secondSeed), undefined)
  assert.equal(keys.size, 1)
})

test('over the bound the oldest goes', () => {
  const keys = new TransientKeys({ max: 2 })
  const pnes = [someone(), someone(), someone()]
  for (const pne of pnes) keys.add(pne)
  const held = pnes.map((pne) => keys.find(transientKeyId(pne.transientKey), pne.secondSeed) !== undefined)
  assert.deepEqual(held, [false, true, true])
})

test('a lifetime of zero is not kept', () => {
  const keys = new TransientKeys()
  keys.add({ ...someone(), lifetimeS: 0 })
  assert.equal(keys.size, 0)
})
