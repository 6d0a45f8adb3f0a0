import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch } from '../../src/commands/bench/messages.ts'
import { Tally } from '../../src/commands/bench/tally.ts'

const schedule = { ratePerS: 100, rampMs: 1000, durationMs: 4000 }

interface Row {
  at: number
  latency: number
  service?: number
  code?: string
}

function batch(rows: Row[], cost: { worker?: number; processorMs?: number; elapsedMs?: number } = {}): Batch {
  return {
    ...{ says: 'batch', worker: 0, processorMs: 1, elapsedMs: 100, ...cost },
    at: Float64Array.from(rows, ({ at }) => at),
    latency: Float64Array.from(rows, ({ latency }) => latency),
    service: Float64Array.from(rows, ({ latency, service }) => service ?? latency),
    codes: rows.map(({ code = '' }) => code),
  }
}

test('what came is what was done and what failed; what came in the ramp is counted apart', () => {
  const tally = new Tally(schedule)
  tally.add(
    batch([
      { at: 0, latency: 5 },
      { at: 999, latency: 5, code: 'BUSY' },
    ]),
  )
  tally.add(
    batch([
      { at: 1000, latency: 5 },
      { at: 1010, latency: 5 },
      { at: 1020, latency: 4000, code: 'SERVER_SILENT' },
    ]),
  )
  assert.deepEqual([tally.done, tally.failed, tally.inRamp], [2, 1, 2])
  assert.deepEqual(tally.errors, { SERVER_SILENT: 1 })
})

test('errors come by code, the most frequent first', () => {
  const tally = new Tally(schedule)
  tally.add(batch(['A', 'B', 'B', 'C', 'B', 'C'].map((code) => ({ at: 2000, latency: 1, code }))))
  assert.deepEqual(Object.entries(tally.errors), [
    ['B', 3],
    ['C', 2],
    ['A', 1],
  ])
})

test('latencies are those of successes, to three digits', () => {
  const tally = new Tally(schedule)
  tally.add(batch(Array.from({ length: 1000 }, (_, index) => ({ at: 2000, latency: index + 1 }))))
  tally.add(batch([{ at: 2000, latency: 9000, code: 'BUSY' }]))
  const { p50, p99, max } = tally.latency
  assert.ok(Math.abs(p50 - 500) <= 1 && Math.abs(p99 - 990) <= 1 && Math.abs(max - 1000) <= 1, `${p50} ${p99} ${max}`)
})

test('the steps of the histogram hold each success once', () => {
  const tally = new Tally(schedule)
  tally.add(batch([0.05, 0.15, 1, 1.5, 30, 30, 700].map((latency) => ({ at: 2000, latency }))))
  const { histogram } = tally
  assert.equal(
    histogram.reduce((sum, { count }) => sum + count, 0),
    tally.done,
  )
  assert.deepEqual(histogram[0], { fromMs: 0, toMs: 0.1, count: 1 })
  assert.deepEqual(histogram.at(-1), { fromMs: 500, toMs: 1000, count: 1 })
})

test('a device belongs to the time at which it was to come', () => {
  const tally = new Tally(schedule)
  tally.add(
    batch([
      { at: 1500, latency: 3000 },
      { at: 4500, latency: 2 },
      { at: 4600, latency: 2, code: 'BUSY' },
    ]),
  )
  const slots = tally.slots.map(({ done, failed }) => [done, failed])
  assert.deepEqual(slots, [
    [0, 0],
    [1, 0],
    [0, 0],
    [0, 0],
    [1, 1],
  ])
  assert.ok((tally.slots[1]?.maxMs ?? 0) >= 2990)
})

test('no percentile is told that too few devices stand behind', () => {
  const tally = new Tally(schedule)
  assert.deepEqual([tally.curve, tally.histogram, tally.latency.max], [[], [], 0])
  tally.add(batch(Array.from({ length: 100 }, () => ({ at: 2000, latency: 1 }))))
  assert.equal(tally.curve.at(-1)?.percentile, 99)
})

test('a worker that takes its whole core is the limit, and so is one that sends devices late', () => {
  const idle = new Tally(schedule)
  idle.add(batch([{ at: 2000, latency: 1 }], { processorMs: 20, elapsedMs: 100 }))
  assert.equal(idle.generator.saturated, false)
  const busy = new Tally(schedule)
  busy.add(batch([{ at: 2000, latency: 1 }], { worker: 0, processorMs: 10 }))
  busy.add(batch([{ at: 2000, latency: 1 }], { worker: 1, processorMs: 95 }))
  assert.deepEqual([busy.generator.busiest, busy.generator.saturated], [0.95, true])
  const late = new Tally(schedule)
  late.add(batch(Array.from({ length: 10 }, () => ({ at: 2000, latency: 60, service: 10 }))))
  assert.equal(late.generator.saturated, true)
})
