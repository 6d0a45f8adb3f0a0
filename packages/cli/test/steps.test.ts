import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeSteps, type SeenStep, stepsIn } from '../src/commands/demo/steps.ts'

const seen = (step: number, at: number): SeenStep => ({ step, from: 'PNE', to: 'PN GW', message: `m${step}`, at })

test('steps of three roles become one row in order, with durations', () => {
  const steps = mergeSteps(
    {
      pne: [seen(1, 1001), seen(7, 1012), seen(8, 1014)],
      gateway: [seen(1, 1002), seen(2, 1003), seen(3, 1004), seen(6, 1008), seen(7, 1011), seen(8, 1013)],
      server: [seen(4, 1005), seen(5, 1007)],
    },
    1000,
  )
  assert.deepEqual(
    steps.map(({ step, ms, atMs }) => [step, ms, atMs]),
    [
      [1, 2, 2],
      [2, 1, 3],
      [3, 1, 4],
      [4, 1, 5],
      [5, 2, 7],
      [6, 1, 8],
      [7, 4, 12],
      [8, 2, 14],
    ],
  )
})

test('what did not happen is not there', () => {
  const steps = mergeSteps({ pne: [seen(7, 5), seen(8, 6)], gateway: [seen(1, 2), seen(2, 3)], server: [] }, 1)
  assert.deepEqual(
    steps.map(({ step }) => step),
    [1, 2, 7, 8],
  )
})

test('time never runs backwards between two clocks', () => {
  const steps = mergeSteps({ pne: [seen(7, 4)], gateway: [seen(1, 5), seen(2, 6)], server: [] }, 1)
  assert.deepEqual(
    steps.map(({ ms }) => ms),
    [4, 1, 0],
  )
})

test('only steps are taken from a log line', () => {
  const good = seen(1, 2)
  const bad = [null, 1, { ...good, from: 'Mallory' }, { ...good, at: '2' }, { ...good, step: 1.5 }]
  assert.deepEqual(stepsIn({ steps: [...bad, good] }), [good])
  assert.deepEqual(stepsIn({ steps: 'none' }), [])
  assert.deepEqual(stepsIn({}), [])
})
