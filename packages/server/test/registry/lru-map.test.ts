import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LruMap } from '../../src/registry/lru-map.ts'

const values = { a: { v: 1 }, b: { v: 2 }, c: { v: 3 } }

test('the entry that was not used for longest is forgotten', () => {
  const map = new LruMap<string, { v: number }>(2)
  map.set('a', values.a)
  map.set('b', values.b)
  assert.equal(map.get('a'), values.a)
  map.set('c', values.c)
  assert.deepEqual([map.get('a'), map.get('b'), map.get('c')], [values.a, undefined, values.c])
})

test('setting an entry again makes it the newest and takes no more room', () => {
  const map = new LruMap<string, { v: number }>(2)
  map.set('a', values.a)
  map.set('b', values.b)
  map.set('a', values.c)
  map.set('c', values.c)
  assert.deepEqual([map.get('a'), map.get('b'), map.size], [values.c, undefined, 2])
})
