// Rates and times of steps: what is counted is what happened, in its second, and adds up over replicas.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Rates } from '../../src/live/rates.ts'
import { StepTimes } from '../../src/live/step-times.ts'

const NOW_S = 1_800_000_000

test('each authentication counts in its second, and the last seconds come oldest first', () => {
  const rates = new Rates()
  rates.count(NOW_S - 2, 'localAccepted', 3)
  rates.count(NOW_S - 1, 'remoteRefused')
  rates.count(NOW_S - 1, 'remoteRefused')
  rates.count(NOW_S - 1, 'undecided')
  const none = { accepted: 0, refused: 0 }
  assert.deepEqual(rates.last(3, NOW_S), [
    { at: NOW_S - 3, local: none, remote: none, undecided: 0 },
    { at: NOW_S - 2, local: { accepted: 3, refused: 0 }, remote: none, undecided: 0 },
    { at: NOW_S - 1, local: none, remote: { accepted: 0, refused: 2 }, undecided: 1 },
  ])
})

test('a second that is long past is forgotten, and what comes late for it counts nowhere', () => {
  const rates = new Rates()
  rates.count(NOW_S, 'localAccepted', 5)
  rates.count(NOW_S + 128, 'localAccepted')
  rates.count(NOW_S, 'localAccepted', 7)
  assert.deepEqual(rates.countsOf(NOW_S), [0, 0, 0, 0, 0])
  assert.deepEqual(rates.countsOf(NOW_S + 128), [1, 0, 0, 0, 0])
})

test('property: a percentile is right to a bucket', () => {
  const microseconds = fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(microseconds, fc.integer({ min: 1, max: 8 }), (all, step) => {
      const times = new StepTimes()
      for (const us of all) times.record(step, us, NOW_S)
      const shown = times.summary(NOW_S)[step - 1]
      const sorted = all.toSorted((a, b) => a - b)
      const exact = (part: number) => (sorted[Math.ceil(sorted.length * part) - 1] ?? 0) / 1000
      const isNear = (ms: number | null | undefined, right: number) => Math.abs((ms ?? 0) - right) <= right * 0.1
      assert.equal(shown?.count, all.length)
      assert.ok(isNear(shown?.p50Ms, exact(0.5)), `${shown?.p50Ms} for ${exact(0.5)}`)
      assert.ok(isNear(shown?.p99Ms, exact(0.99)), `${shown?.p99Ms} for ${exact(0.99)}`)
    }),
  )
})

test('times are those of the last five minutes', () => {
  const times = new StepTimes()
  times.record(5, 1000, NOW_S)
  const countAt = (nowS: number) => times.summary(nowS)[4]?.count
  assert.deepEqual([countAt(NOW_S), countAt(NOW_S + 290), countAt(NOW_S + 311)], [1, 1, 0])
  assert.equal(times.summary(NOW_S + 311)[4]?.p50Ms, null)
})

test('what one replica recorded adds up at another, once', () => {
  const [one, other] = [new StepTimes(), new StepTimes()]
  one.takeDelta()
  for (let at = 0; at < 10; at++) one.record(4, 100, NOW_S)
  other.record(4, 100, NOW_S)
  other.merge(JSON.parse(JSON.stringify(one.takeDelta())), NOW_S)
  other.merge(one.takeDelta(), NOW_S)
  assert.equal(other.summary(NOW_S)[3]?.count, 11)
})

test('a delta that is none changes nothing', () => {
  const times = new StepTimes()
  times.merge([9, 1, 1, 0, 1, 1, 4, 999_999, 1, 4, -1, 1, 4, 1, -5, 4, 1], NOW_S)
  assert.deepEqual([...new Set(times.summary(NOW_S).map(({ count }) => count))], [0])
})
