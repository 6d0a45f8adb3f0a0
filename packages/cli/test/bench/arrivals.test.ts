// The open loop: nobody waits for anybody, and what stands still is seen by all that come meanwhile.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Batch, Job } from '../../src/commands/bench/messages.ts'
import { Tally } from '../../src/commands/bench/tally.ts'
import { Arrivals } from '../../src/commands/bench/worker/arrivals.ts'
import { Outcomes } from '../../src/commands/bench/worker/outcomes.ts'

const schedule = { ratePerS: 200, rampMs: 100, durationMs: 900 }
const COUNT = 190
const job = { worker: 0, workers: 1, schedule } as Job

/** Time in the hands of the test: `stand` lets it pass while this process does nothing, `passUntil` a millisecond at a time. */
function heldTime(t: TestContext) {
  let now = 1000
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.mock.method(performance, 'now', () => now)
  const stand = (ms: number) => {
    now += ms
  }
  const passUntil = async (over: Promise<unknown>) => {
    let isOver = false
    over.finally(() => {
      isOver = true
    })
    while (!isOver) {
      stand(1)
      t.mock.timers.tick(1)
      await new Promise(setImmediate)
    }
  }
  return { stand, passUntil }
}

function begin(authenticate: (number: number) => Promise<void>) {
  const tally = new Tally(schedule)
  const outcomes = new Outcomes(0, (batch: Batch) => tally.add(batch))
  const target = { authenticate, close: () => {} }
  const beginsAtMs = performance.timeOrigin + performance.now() + 50
  const arrivals = new Arrivals({ job, target, outcomes, beginsAtMs })
  const over = arrivals.over().finally(() => outcomes.close())
  return { tally, arrivals, over }
}

/** What all ask for stands still from 400 to 800 ms after the first. */
function stalling(): () => Promise<void> {
  let first: number | undefined
  return async () => {
    first ??= performance.now()
    const elapsed = performance.now() - first
    if (elapsed > 400 && elapsed < 800) await new Promise((resolve) => setTimeout(resolve, 800 - elapsed))
  }
}

test('a target that stands still for 400 ms is seen by the 80 devices that come meanwhile, each for the time that was left', async (t) => {
  const { passUntil } = heldTime(t)
  const { tally, over } = begin(stalling())
  await passUntil(over)
  assert.equal(tally.done + tally.inRamp, COUNT)
  const over100ms = tally.histogram.filter(({ fromMs }) => fromMs >= 100).reduce((sum, { count }) => sum + count, 0)
  assert.ok(over100ms >= 50 && over100ms <= 70, `${over100ms} devices waited for more than 100 ms`)
  assert.ok(tally.latency.p90 > 250, `${tally.latency.p90} ms`)
})

test('a loop that waits for each device before the next would have seen it once', async (t) => {
  const { passUntil } = heldTime(t)
  const authenticate = stalling()
  const times: number[] = []
  const closed = async () => {
    for (let count = 0; count < COUNT; count++) {
      const began = performance.now()
      await authenticate()
      times.push(performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve, 4))
    }
  }
  await passUntil(closed())
  assert.equal(times.filter((ms) => ms > 100).length, 1)
})

test('what is late by the fault of the load itself counts from when it should have come', async (t) => {
  const { stand, passUntil } = heldTime(t)
  let hasBlocked = false
  const { tally, over } = begin(async () => {
    if (!hasBlocked) stand(300)
    hasBlocked = true
  })
  await passUntil(over)
  assert.ok(tally.latency.max >= 150, `${tally.latency.max} ms from when they were to come`)
  assert.ok(tally.service.p50 < 50, `${tally.service.p50} ms from when they began`)
  assert.ok(tally.generator.lateMs >= 150, `${tally.generator.lateMs} ms late`)
  assert.equal(tally.generator.saturated, true)
})

test('failures are counted by the code of their error, and an error without one as our own', async (t) => {
  const { passUntil } = heldTime(t)
  const { tally, over } = begin(async (number) => {
    if (number % 2 === 0) throw Object.assign(new Error(), { code: 'BUSY' })
    if (number % 5 === 0) throw new Error('a bug')
  })
  await passUntil(over)
  assert.equal(tally.done + tally.failed + tally.inRamp, COUNT)
  assert.deepEqual(Object.keys(tally.errors), ['BUSY', 'INTERNAL'])
})

test('stopped, it sends no more, and those that hang are counted as interrupted', async (t) => {
  const { passUntil } = heldTime(t)
  const { tally, arrivals, over } = begin(() => new Promise(() => {}))
  setTimeout(() => arrivals.stop(), 300)
  const began = performance.now()
  await passUntil(over)
  assert.ok(performance.now() - began < 3500)
  assert.deepEqual(Object.keys(tally.errors), ['INTERRUPTED'])
  assert.ok(tally.failed + tally.inRamp < COUNT / 2)
})
