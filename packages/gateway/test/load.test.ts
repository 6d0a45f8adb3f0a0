// When a gateway has too much to do: one late pass of its event loop is no reason to send PNEs away, many in a row are.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Load } from '../src/load.ts'

function loaded(t: TestContext) {
  let now = 0
  const load = new Load(() => now)
  t.after(() => load.close())
  load.close() // the test alone ticks
  const pass = (ms: number) => {
    now += ms
    load.tick()
  }
  return { load, pass }
}

test('late passes of the event loop, three in a row: too much; one in time ends that', (t) => {
  const { load, pass } = loaded(t)
  for (const tooHigh of [false, false, true, true]) {
    pass(400)
    assert.equal(load.isTooHigh, tooHigh)
  }
  pass(60)
  assert.equal(load.isTooHigh, false)
})

test('a single long pass, even of ten seconds, is not', (t) => {
  const { load, pass } = loaded(t)
  for (const ms of [10_000, 50, 400, 400, 50, 240, 240, 240, 240]) {
    pass(ms)
    assert.equal(load.isTooHigh, false)
  }
})
