import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../../packages/console/src/page/logic/backoff.ts'
import {
  ago,
  count,
  countdown,
  formatMs,
  formatRate,
  shortName,
} from '../../../packages/console/src/page/logic/format.ts'
import { explainReason, isExplained } from '../../../packages/console/src/page/logic/reasons.ts'

test('times have the precision that a person reads', () => {
  const cases = [
    [null, '–'],
    [0, '<0.1 ms'],
    [0.41, '0.4 ms'],
    [9.96, '10 ms'],
    [420.4, '420 ms'],
    [1340, '1.3 s'],
  ] as const
  for (const [ms, words] of cases) assert.equal(formatMs(ms), words)
})

test('how long ago in the unit that fits; a clock that is ahead is no matter', () => {
  const cases = [
    [-5000, 'now'],
    [59_000, '59 s ago'],
    [61_000, '1 min ago'],
    [7_300_000, '2 h ago'],
    [90_000_000, 'yesterday'],
    [2e8, '2 days ago'],
  ] as const
  for (const [ms, words] of cases) assert.equal(ago(ms), words)
})

test('a countdown never goes below zero', () => {
  assert.deepEqual([600_000, 61_000, 500, -5].map(countdown), ['10:00', '1:01', '0:00', '0:00'])
})

test('counts, rates and names', () => {
  assert.deepEqual([count(1, 'PNE'), count(1200, 'PNE')], ['1 PNE', '1,200 PNEs'])
  assert.deepEqual([0, 0.34, 12.4, 1250].map(formatRate), ['0', '0.3', '12', '1,250'])
  assert.deepEqual([shortName('home-gw@example.org'), shortName('x')], ['home-gw', 'x'])
})

test('the pause before the next attempt doubles, is bounded, and never is none', () => {
  assert.deepEqual(
    [0, 1, 2, 20].map((attempt) => backoffMs(attempt, 1)),
    [500, 1000, 2000, 15_000],
  )
  assert.deepEqual(
    [0, 20].map((attempt) => backoffMs(attempt, 0)),
    [300, 9000],
  )
})

test('a reason is the same in both spellings, and one that nobody has written of is told by its code', () => {
  assert.deepEqual(explainReason('NO_VISITORS'), explainReason('no-visitors'))
  assert.deepEqual(explainReason('A_NEW_ONE'), { says: 'A new one' })
  for (const name of ['__proto__', 'constructor', 'toString']) assert.ok(!isExplained(name), name)
  assert.equal(explainReason('constructor').says, 'Constructor')
})
