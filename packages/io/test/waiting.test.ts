// Back-off, sleep and deadlines.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoff, Deadline, sleep, watch } from '../src/index.ts'

test('the ceiling of the back-off doubles up to its maximum, and starts again after a success', () => {
  const delays = backoff({ minMs: 100, maxMs: 1000, random: () => 0.5 })
  const next = () => delays.next()
  assert.deepEqual(Array.from({ length: 6 }, next), [50, 100, 200, 400, 500, 500])
  delays.reset()
  assert.equal(delays.next(), 50)
})

test('the jitter is full: from nothing to the ceiling', () => {
  for (const [random, expected] of [
    [0, 0],
    [0.999, 100],
  ] as const) {
    assert.equal(backoff({ minMs: 100, maxMs: 1000, random: () => random }).next(), expected)
  }
})

test('years of failures do not overflow', () => {
  const delays = backoff({ minMs: 100, maxMs: 1000, random: () => 1 })
  for (let i = 0; i < 10_000; i++) delays.next()
  assert.equal(delays.next(), 1000)
})

test('sleep ends at once when its signal aborts, before or within', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const reason = new Error('enough')
  await assert.rejects(sleep(1e6, { signal: AbortSignal.abort(reason) }), { code: 'ABORTED', cause: reason })
  const controller = new AbortController()
  const sleeping = sleep(1e6, { signal: controller.signal })
  controller.abort()
  await assert.rejects(sleeping, { code: 'ABORTED' })
})

test('sleep wakes in time and leaves no listener', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { signal } = new AbortController()
  const removed = t.mock.method(signal, 'removeEventListener')
  const sleeping = sleep(1000, { signal })
  t.mock.timers.tick(1000)
  await sleeping
  assert.equal(removed.mock.callCount(), 1)
})

test('a watch expires once, by time or by signal, whichever comes first', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const codes: string[] = []
  const controller = new AbortController()
  const limits = { timeoutMs: 100, signal: controller.signal }
  watch(limits, 'it', (error) => codes.push(error.code))
  t.mock.timers.tick(100)
  controller.abort()
  assert.deepEqual(codes, ['DEADLINE_EXCEEDED'])
})

test('a watch that was stopped says nothing, even with a signal that had aborted before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const stop = watch({ timeoutMs: 1, signal: AbortSignal.abort() }, 'it', () => assert.fail('it expired'))
  stop()
  t.mock.timers.tick(10)
  await Promise.resolve()
})

test('a flow takes what is left of its deadline', (t) => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const deadline = new Deadline(500)
  assert.equal(deadline.leftMs(), 500)
  now += 499.5
  assert.equal(deadline.leftMs(), 1)
  now += 0.5
  assert.throws(() => deadline.leftMs(), { code: 'DEADLINE_EXCEEDED' })
})
