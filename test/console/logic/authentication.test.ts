import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Authentication, isSecured, rowsOf } from '../../../packages/console/src/page/logic/authentication.ts'
import { authentication, step } from './support.ts'

const states = (of: Authentication) => rowsOf(of).map(({ number, state }) => `${number} ${state}`)
const keys = (of: Authentication) => rowsOf(of).flatMap(({ number, key }) => (key ? [`${number} ${key}`] : []))

test('the local case has steps 1, 2, 7 and 8, and says that the server is not needed', () => {
  const of = authentication({ case: 'local', key: 'EUKey', steps: [1, 2, 7, 8].map((n) => step(n)) })
  assert.deepEqual(states(of), ['1 done', '2 done', '3–6 skipped', '7 done', '8 done'])
  assert.deepEqual(keys(of), ['7 EUKey'])
  assert.ok(isSecured(of))
})

test('the remote case has all eight steps: the EUKey in 5, the transient key in 6 and 7', () => {
  const of = authentication({ steps: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => step(n)) })
  assert.deepEqual(
    states(of),
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `${n} done`),
  )
  assert.deepEqual(keys(of), ['5 EUKey', '6 transient key', '7 transient key'])
})

test('with a transient key that was held the server is not needed either', () => {
  const of = authentication({ key: 'transient key, held', steps: [1, 2, 7, 8].map((n) => step(n)) })
  assert.deepEqual(states(of), ['1 done', '2 done', '3–6 skipped', '7 done', '8 done'])
  assert.deepEqual(keys(of), ['7 transient key'])
})

test('what was refused shows where, and what did not happen after it; no transient key was carried', () => {
  const steps = [1, 2, 3, 4, 6].map((n) => step(n))
  const of = authentication({ result: 'refused', reason: 'EAP_BAD_MAC', stoppedAt: 5, key: null, steps })
  assert.deepEqual(states(of).slice(3), ['4 done', '5 stopped', '6 done', '7 missed', '8 missed'])
  assert.equal(rowsOf(of)[5]?.detail, 'refused')
  assert.equal(rowsOf(of)[5]?.key, undefined)
  assert.ok(!isSecured(of))
})

test('a step that nobody has told of is untold while the other part may come, and no guess', () => {
  const of = authentication({ complete: false, steps: [step(4), step(5)] })
  assert.deepEqual(states(of).slice(0, 4), ['1 untold', '2 untold', '3 untold', '4 done'])
})

test('what was refused before its case was known stops there', () => {
  const of = authentication({ case: null, result: 'refused', reason: 'overloaded', stoppedAt: 2, steps: [step(1)] })
  assert.deepEqual(states(of), ['1 done', '2 stopped', '7 missed', '8 missed'])
})

test('each row has the time of its step, and none where there was none', () => {
  const of = authentication({ case: 'local', steps: [step(1, 0), step(2, 0.25)] })
  assert.deepEqual(
    rowsOf(of).map(({ ms }) => ms),
    [0, 0.25, undefined, undefined, undefined],
  )
})
