import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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

test('whatever is done with it, the entries are those that were used last', () => {
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('set'), key: fc.nat(12), times: fc.constantFrom(1, 1, 1500) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('get'), key: fc.nat(12), times: fc.constantFrom(1, 1, 1500) }),
    },
    fc.record({ do: fc.constantFrom('delete', 'clear'), key: fc.nat(12), times: fc.constant(1) }),
  )
  const everything = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const map = new LruMap<number, { v: number }>(4)
    let expected: number[] = [] // the newest is last
    for (const { do: what, key, times } of actions) {
      const others = expected.filter((other) => other !== key)
      for (let time = 0; time < times; time++) {
        if (what === 'set') map.set(key, values.a)
        if (what === 'get') map.get(key)
      }
      if (what === 'delete') map.delete(key)
      if (what === 'clear') map.clear()
      if (what === 'set' || (what === 'get' && expected.includes(key))) expected = [...others, key].slice(-4)
      if (what === 'delete') expected = others
      if (what === 'clear') expected = []
      assert.equal(map.size, expected.length)
    }
    for (const key of expected) assert.ok(map.get(key), `${key} is there`)
  })
  fc.assert(everything, { numRuns: 300 })
})
