// Answers that are kept for requests that are sent again: how many, how long, and which go first.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Duplicates } from '../src/server/duplicates.ts'

const octets = (value: number) => Buffer.of(value)

test('an answer that was kept anew under its key is the newest', () => {
  const kept = new Duplicates({ maxAnswers: 2, lifetimeMs: 100 })
  for (const [key, value] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['c', 4],
  ] as const)
    kept.end(key, octets(value), 0)
  assert.deepEqual([kept.begin('a', 0), kept.begin('c', 0), kept.size], [octets(3), octets(4), 2])
  assert.equal(kept.begin('b', 0), undefined)
})

test('property: what is kept is the newest answers that are not too old', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), waitMs: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const limits = { maxAnswers: 3, lifetimeMs: 50 }
      const kept = new Duplicates(limits)
      let model: { key: string; value: Buffer; at: number }[] = []
      let now = 0
      for (const [i, { key, waitMs }] of steps.entries()) {
        now += waitMs
        kept.end(key, octets(i), now)
        model = [...model.filter((one) => one.key !== key), { key, value: octets(i), at: now }]
        model = model.filter(({ at }) => now - at < limits.lifetimeMs).slice(-limits.maxAnswers)
        assert.equal(kept.size, model.length)
        for (const { key, value } of model) assert.deepEqual(kept.begin(key, now), value)
      }
    }),
  )
})
