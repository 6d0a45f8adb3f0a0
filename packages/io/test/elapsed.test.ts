import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elapsedClock } from '../src/elapsed.ts'

function clocks() {
  const times = { wall: 1_700_000_000_000, steady: 5000 }
  const now = elapsedClock({ wall: () => times.wall, steady: () => times.steady })
  const pass = (ms: number) => {
    times.wall += ms
    times.steady += ms
  }
  return { times, now, pass }
}

test('it goes on by what passes', () => {
  const { now, pass } = clocks()
  assert.equal(now(), 0)
  pass(250)
  assert.equal(now(), 250)
  pass(250)
  assert.equal(now(), 500)
})

test('a wall clock that is set back stops nothing, however often', () => {
  const { times, now, pass } = clocks()
  for (let n = 0; n < 3; n++) {
    times.wall -= 600_000
    pass(1000)
    assert.equal(now(), (n + 1) * 1000)
  }
})

test('while the machine sleeps the wall clock counts', () => {
  const { times, now, pass } = clocks()
  times.wall += 3_600_000
  assert.equal(now(), 3_600_000)
  pass(1000)
  assert.equal(now(), 3_601_000)
})

test('it never goes back, though both clocks do', () => {
  const { times, now } = clocks()
  times.wall -= 10
  times.steady -= 10
  assert.equal(now(), 0)
})

test('by the clocks of this machine it begins at nothing and goes on', () => {
  const now = elapsedClock()
  const first = now()
  assert.ok(first >= 0 && first < 3_600_000, 'not since the epoch')
  assert.ok(now() >= first)
})
