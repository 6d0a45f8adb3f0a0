// The cache of TKs: bounded, by place, for their lifetime, and silent about what it holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { TransientKeys } from '../src/index.ts'
import { home, lobby } from './gateway.ts'

const place = { pne: 'a@example.org', host: '127.0.0.1', port: 7411 }
const held = { key: Buffer.alloc(32, 0xab), gateway: home }

test('a TK is found for its device at its place alone, until its lifetime ends', () => {
  let now = 0
  const keys = new TransientKeys({ now: () => now })
  keys.add(place, held, 60)
  for (const other of [{ pne: 'b@example.org' }, { host: '::1' }, { port: 7412 }]) {
    assert.equal(keys.find({ ...place, ...other }), undefined)
  }
  now = 59_999
  assert.deepEqual(keys.find(place)?.key, held.key)
  now = 60_000
  assert.equal(keys.find(place), undefined)
  assert.equal(keys.size, 0)
})

test('a newer TK replaces the one before; a lifetime of zero keeps none', () => {
  const keys = new TransientKeys()
  keys.add(place, held, 60)
  keys.add(place, { key: Buffer.alloc(32), gateway: lobby }, 60)
  assert.equal(keys.find(place)?.gateway, lobby)
  assert.equal(keys.size, 1)
  keys.add(place, held, 0)
  assert.equal(keys.size, 0)
})

test('when the cache is full the oldest TK goes', () => {
  const keys = new TransientKeys({ max: 2 })
  for (const port of [1, 2, 1, 3]) keys.add({ ...place, port }, held, 60)
  assert.deepEqual(
    [1, 2, 3].filter((port) => keys.find({ ...place, port })),
    [1, 3],
  )
  keys.clear()
  assert.equal(keys.size, 0)
})

test('no key shows in inspect or JSON', () => {
  const keys = new TransientKeys()
  keys.add(place, held, 60)
  const shown = inspect(keys, { showHidden: true, depth: 9 }) + JSON.stringify(keys)
  assert.ok(!/abab|ab ab|171,171|171, 171/.test(shown))
})
