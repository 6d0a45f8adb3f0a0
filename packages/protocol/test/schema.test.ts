// The declarations: each limit holds at its edge and breaks one beyond it. docs/protocol.md section 4.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bool, bytes, field, list, message, oneOf, optional, pattern, text, uint } from '../src/schema.ts'

test('a number is accepted from min to max, and only as a whole number', () => {
  const kind = uint({ min: 3, max: 5 })
  assert.deepEqual([2, 3, 5, 6, 3.5, Number.NaN, 4n, '4', null, undefined].filter(kind.accepts), [3, 5])
})

test('octets are accepted from min to max of them, and only as octets', () => {
  const kind = bytes({ min: 2, max: 3 })
  const lengths = [0, 1, 2, 3, 4].filter((length) => kind.accepts(new Uint8Array(length)))
  assert.deepEqual(lengths, [2, 3])
  assert.deepEqual(['ab', [1, 2], new Uint16Array(2), null].filter(kind.accepts), [])
  assert.ok(!bytes({ length: 16 }).accepts(new Uint8Array(17)))
})

test('text counts octets of UTF-8, not characters, and holds no control character', () => {
  const kind = text({ max: 4 })
  assert.deepEqual(['', 'a', 'abcd', 'abcde', 'éé', 'ééé', '😀', '😀😀'].filter(kind.accepts), [
    'a',
    'abcd',
    'éé',
    '😀',
  ])
  assert.deepEqual(['a\n', '\u0000', 'a\u007f', '\u0085', '\t'].filter(kind.accepts), [])
})

test('text of a fixed form is accepted in that form alone', () => {
  const kind = pattern('word', /^[a-z]{1,3}$/)
  assert.deepEqual(['', 'a', 'abc', 'abcd', 'A', 'a\n', ' a', 1, ['a'], null].filter(kind.accepts), ['a', 'abc'])
})

test('a list is accepted from min to max items, each of its kind', () => {
  const kind = list(uint({ max: 9 }), { min: 1, max: 2 })
  assert.deepEqual([[], [1], [1, 2], [1, 2, 3], [1, 10], [1, '2'], 1, null].filter(kind.accepts), [[1], [1, 2]])
})

test('a name of a table is accepted by its number alone', () => {
  const kind = oneOf({ red: 0, green: 4 } as const, 'colour')
  assert.deepEqual([0, 1, 4, 'red', null].filter(kind.accepts), [0, 4])
  assert.deepEqual([true, false, 0, 'true'].filter(bool.accepts), [true, false])
})

test('a declaration whose keys leave a gap is a bug, found when the module is loaded', () => {
  assert.throws(() => message(99, 'Gap', { first: field(1, bool), third: optional(3, bool) }), TypeError)
})
