import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivalMs, arrivalsOf, type LoadOptions, planOf, shareOf } from '../../src/commands/bench/plan.ts'

const options: LoadOptions = {
  ...{ rate: 100, duration: 10_000, ramp: 2000, gateways: 4, devices: 10, timeout: 1000, logLevel: 'info' },
}

test('after the ramp devices come evenly, at the rate', () => {
  const schedule = { ratePerS: 200, rampMs: 1000, durationMs: 3000 }
  assert.equal(arrivalsOf(schedule), 100 + 600)
  const times = Array.from({ length: 700 }, (_, index) => arrivalMs(index, schedule))
  assert.equal(times[0], 0)
  assert.equal(times[100], 1000)
  assert.equal(times[101], 1005)
  assert.ok((times.at(-1) ?? 0) < 4000)
})

test('in the ramp the rate rises evenly: after half of it a quarter of its devices have come', () => {
  const schedule = { ratePerS: 200, rampMs: 4000, durationMs: 1000 }
  const times = Array.from({ length: 400 }, (_, index) => arrivalMs(index, schedule))
  assert.equal(times.filter((ms) => ms < 2000).length, 100)
})

test('no device comes before the one before it, and none after the end, whatever the schedule', () => {
  for (const ratePerS of [1, 7, 1000, 99_999]) {
    for (const rampMs of [1, 999, 60_000]) {
      for (const durationMs of [1000, 1001, 5000]) {
        const schedule = { ratePerS, rampMs, durationMs }
        const count = arrivalsOf(schedule)
        const indexes = Array.from({ length: 200 }, (_, step) => Math.floor((count * step) / 200))
        const times = indexes.map((index) => arrivalMs(index, schedule))
        assert.deepEqual(
          times,
          times.toSorted((one, other) => one - other),
        )
        assert.ok(arrivalMs(Math.max(0, count - 1), schedule) <= rampMs + durationMs)
      }
    }
  }
})

test('the shares of the workers are all of it, and differ by one at most', () => {
  for (const count of [0, 1, 63, 1000, 9999]) {
    for (const workers of [1, 2, 7, 64]) {
      const shares = Array.from({ length: workers }, (_, worker) => shareOf(count, worker, workers))
      const sum = shares.reduce((all, share) => all + share, 0)
      assert.equal(sum, count)
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1)
    }
  }
})

test('there are no more workers than gateways, and no more gateways than devices', () => {
  const { gateways, workers } = planOf({ ...options, devices: 3, workers: 200 })
  assert.deepEqual([gateways, workers], [3, 3])
})

const nearby = ['127.0.0.1', '127.8.9.10', 'localhost', '::1']
const distant = [
  '192.0.2.1',
  'cpns.example.org',
  '::',
  '0.0.0.0',
  '127.example.org',
  '2001:db8::1',
  'localhost.example.org',
]

test('a server on this machine may be loaded', () => {
  for (const host of nearby) assert.equal(planOf({ ...options, server: [{ host, port: 1 }] }).servers[0]?.host, host)
})

test('a server elsewhere may not, unless it is said to be one’s own', () => {
  for (const host of distant) {
    const server = [
      { host: '127.0.0.1', port: 1 },
      { host, port: 1 },
    ]
    assert.throws(() => planOf({ ...options, server }), { code: 'USAGE', message: /--allow-remote/ }, host)
    assert.throws(() => planOf({ ...options, gateway: [{ host, port: 1 }] }), { code: 'USAGE' }, host)
    assert.equal(planOf({ ...options, server, allowRemote: true }).servers.length, 2)
  }
})

test('nor may one whose admin API is elsewhere', () => {
  for (const url of ['https://admin.example.org', 'http://[2001:db8::1]:7412']) {
    assert.throws(() => planOf({ ...options, url }), { code: 'USAGE', message: /--allow-remote/ })
  }
  for (const url of ['http://127.0.0.1:7412', 'http://[::1]:7412', 'https://localhost']) planOf({ ...options, url })
})

test('whole flows are at gateways of its own, or at those that are given', () => {
  const gateway = [{ host: '127.0.0.1', port: 7411 }]
  assert.equal(planOf({ ...options, whole: true }).way, 'whole gateways')
  assert.equal(planOf({ ...options, gateway }).way, 'running gateways')
  assert.equal(planOf(options).way, 'links')
  assert.throws(() => planOf({ ...options, whole: true, gateway }), { code: 'USAGE' })
})
