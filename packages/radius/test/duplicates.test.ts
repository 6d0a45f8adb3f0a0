// Answers that are kept for requests that are sent again: how many, how long, and which go first.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Duplicates } from '../src/server/duplicates.ts'

const octets = (value: number) => Buffer.of(value)

/** A request of a place, answered at once. */
function keep(kept: Duplicates, place: string, value: number, now: number): void {
  const begun = kept.begin(place, `request ${value}`, now)
  if (begun === 'in-progress' || Buffer.isBuffer(begun)) throw new Error('it was there before')
  kept.end(begun, octets(value), now)
}

test('a new request takes the place of the one before with its identifier, and is the newest', () => {
  const kept = new Duplicates({ maxAnswers: 2, lifetimeMs: 100 })
  for (const [place, value] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['c', 4],
  ] as const)
    keep(kept, place, value, 0)
  assert.deepEqual([kept.begin('a', 'request 3', 0), kept.begin('c', 'request 4', 0)], [octets(3), octets(4)])
  assert.equal(kept.size, 2)
  for (const [place, request] of [
    ['a', 'request 1'],
    ['b', 'request 2'],
  ] as const) {
    assert.ok(!Buffer.isBuffer(kept.begin(place, request, 0)), `${request} is new again`)
  }
})

test('a request whose place was taken meanwhile takes nothing away when it ends', () => {
  const kept = new Duplicates({ maxAnswers: 2, lifetimeMs: 100 })
  const slow = kept.begin('a', 'request 1', 0)
  keep(kept, 'a', 2, 0)
  assert.ok(typeof slow === 'object' && !Buffer.isBuffer(slow))
  kept.end(slow, undefined, 0)
  assert.deepEqual(kept.begin('a', 'request 2', 0), octets(2))
})

test('property: what is kept is the newest answers that are not too old', () => {
  const step = fc.record({ place: fc.constantFrom('a', 'b', 'c', 'd', 'e'), waitMs: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const limits = { maxAnswers: 3, lifetimeMs: 50 }
      const kept = new Duplicates(limits)
      let model: { place: string; value: number; at: number }[] = []
      let now = 0
      for (const [value, { place, waitMs }] of steps.entries()) {
        now += waitMs
        keep(kept, place, value, now)
        model = [...model.filter((one) => one.place !== place), { place, value, at: now }]
        model = model.filter(({ at }) => now - at < limits.lifetimeMs).slice(-limits.maxAnswers)
        assert.equal(kept.size, model.length)
        for (const { place, value } of model) {
          assert.deepEqual(kept.begin(place, `request ${value}`, now), octets(value))
        }
      }
    }),
  )
})
