import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { gridLines, logPosition, roundTop, slots } from '../../../packages/console/src/page/logic/scale.ts'

test('the top of the scale is round, not below the largest value, and not far above it', () => {
  const cases = [
    [0, 4],
    [3, 4],
    [4, 4],
    [7, 8],
    [9, 10],
    [31, 40],
    [60, 60],
    [61, 80],
    [99, 100],
    [1234, 2000],
  ] as const
  assert.deepEqual(
    cases.map(([largest]) => roundTop(largest, 4)),
    cases.map(([, top]) => top),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (largest) => {
      const top = roundTop(largest)
      assert.ok(top >= largest && top <= 2 * largest, `${largest}: ${top}`)
    }),
  )
})

test('the grid begins at zero, ends at the top, and counts in whole numbers of one size', () => {
  assert.deepEqual([4, 10, 3, 1].map(gridLines), [
    [0, 1, 2, 3, 4],
    [0, 2, 4, 6, 8, 10],
    [0, 1, 2, 3],
    [0, 1],
  ])
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), (largest) => {
      const lines = gridLines(roundTop(largest))
      assert.deepEqual([lines[0], lines.at(-1)], [0, roundTop(largest)])
      assert.ok(lines.every(Number.isInteger) && lines.length <= 6)
    }),
  )
})

test('each second has its slot, what is missing is empty, what is too old or of the future is left out', () => {
  const at = (second: number) => ({ at: new Date(second * 1000 + 10).toISOString() })
  const found = slots([at(95), at(98), at(100), at(101)], 4, 100_500)
  assert.deepEqual(
    found.map((one) => one && Date.parse(one.at) / 1000),
    [undefined, 98.01, undefined, 100.01],
  )
})

test('of two that are told for one second the later counts', () => {
  const told = [1, 2].map((count) => ({ at: '2026-01-01T00:00:00Z', count }))
  assert.deepEqual(slots(told, 1, Date.parse('2026-01-01T00:00:00Z'))[0]?.count, 2)
})

test('a time on the logarithmic scale lies between its ends, in its order', () => {
  assert.deepEqual(
    [0.01, 0.1, 10].map((ms) => logPosition(ms, 0.01, 10)),
    [0, 1 / 3, 1],
  )
  assert.deepEqual([logPosition(0, 0.01, 10), logPosition(99, 0.01, 10), logPosition(5, 10, 10)], [0, 1, 1])
})
