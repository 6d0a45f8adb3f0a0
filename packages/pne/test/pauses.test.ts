// How long a device waits, and how it finds out that it slept.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IoError } from '@opencpns/io'
import { until } from '../../../test/support/until.ts'
import { Pauses } from '../src/daemon/pauses.ts'
import { watchForWakes } from '../src/daemon/wake.ts'
import { PneError, type PneErrorCode } from '../src/errors.ts'

const most = () => 1
const steady = 3_600_000
const failure = (code: PneErrorCode) => [new PneError(code, code)]

function seconds(count: number, pause: () => number): number[] {
  return Array.from({ length: count }, () => pause() / 1000)
}

test('nobody answers, or the gateway does not reach the server: the ceiling doubles from 1 s to 30 s', () => {
  for (const code of ['UNREACHABLE', 'SERVER_UNREACHABLE'] as const) {
    const pauses = new Pauses(most)
    assert.deepEqual(
      seconds(7, () => pauses.afterFailures(failure(code))),
      [1, 2, 4, 8, 16, 30, 30],
    )
  }
})

test('the gateway has no time, or sheds the connection: 10 s from the first attempt on, and soon 30 s', () => {
  const shed = new PneError('UNREACHABLE', 'it closed', { cause: new IoError('LINK_CLOSED', 'closed') })
  for (const errors of [failure('BUSY'), failure('DEADLINE_EXCEEDED'), [shed]]) {
    const pauses = new Pauses(most)
    assert.deepEqual(
      seconds(4, () => pauses.afterFailures(errors)),
      [10, 20, 30, 30],
    )
  }
})

test('refused: the ceiling doubles from 2 s to 5 min', () => {
  const pauses = new Pauses(most)
  const waits = seconds(9, () => pauses.afterFailures(failure('AUTHENTICATION_FAILED')))
  assert.deepEqual(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300])
})

test('one gateway refuses and another does not answer: the device may be welcome there, so it asks again soon', () => {
  const pauses = new Pauses(most)
  const both = [...failure('AUTHENTICATION_FAILED'), ...failure('UNREACHABLE')]
  assert.equal(seconds(10, () => pauses.afterFailures(both)).at(-1), 30)
})

test('a good session that was lost: somewhere in 10 s, each time, so that many do not come back at once', () => {
  const draws = [0.5, 0, 0.25]
  const pauses = new Pauses(() => draws.shift() ?? 0)
  assert.deepEqual(
    seconds(3, () => pauses.afterSession('lost', steady)),
    [5, 0, 2.5],
  )
})

test('a good session forgets the failures before it, a short one does not', () => {
  const pauses = new Pauses(most)
  for (let count = 0; count < 6; count++) pauses.afterFailures(failure('UNREACHABLE'))
  assert.equal(pauses.afterSession('lost', 1000), 30_000)
  assert.equal(pauses.afterSession('closing', steady), 10_000)
  assert.equal(pauses.afterFailures(failure('UNREACHABLE')), 1000)
})

test('sessions that end as revoked or replaced at once: ever longer pauses, as after refusals', () => {
  for (const reason of ['revoked', 'replaced'] as const) {
    const pauses = new Pauses(most)
    assert.equal(seconds(9, () => pauses.afterSession(reason, 100)).at(-1), 300)
  }
})

/** Clocks that a test sets, looked at every 5 ms. */
function watched(t: { after: (done: () => void) => void }) {
  const now = { wall: 1e12, steady: 0, addresses: '192.0.2.1/24' }
  let wakes = 0
  let looks = 0
  const addresses = () => {
    looks++
    return now.addresses
  }
  const clocks = { wall: () => now.wall, steady: () => now.steady, addresses }
  t.after(watchForWakes(() => void wakes++, clocks, 5))
  /** Resolves when so many wakes are seen; gives how many there are after some more looks. */
  const seen = async (expected: number) => {
    await until(() => wakes >= expected)
    const enough = looks + 3
    await until(() => looks >= enough)
    return wakes
  }
  return { now, seen }
}

test('a wake: the wall clock went on while the other stood still', async (t) => {
  const { now, seen } = watched(t)
  assert.equal(await seen(0), 0)
  now.wall += 60_000
  assert.equal(await seen(1), 1)
})

test('a wake: both clocks went on far beyond the next look', async (t) => {
  const { now, seen } = watched(t)
  now.wall += 60_000
  now.steady += 60_000
  assert.equal(await seen(1), 1)
})

test('a wake: other addresses', async (t) => {
  const { now, seen } = watched(t)
  now.addresses = '198.51.100.7/24'
  assert.equal(await seen(1), 1)
})

test('no wake: clocks that drift apart slowly', async (t) => {
  const { now, seen } = watched(t)
  for (let count = 0; count < 4; count++) {
    now.wall += 1500
    now.steady += 1000
    assert.equal(await seen(0), 0)
  }
})
