// The table gives back what it was given, for the right seed only, however many came and went; and it never holds more than it may.
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyTable } from '../../src/caches/key-table.ts'
import type { PneKeyRow } from '../../src/store/contract.ts'

const seedOf = (number: number) => hash('sha256', `seed ${number}`, 'buffer')
const keyOf = (number: number, more: Partial<PneKeyRow> = {}): PneKeyRow => ({
  pneId: `pne-${String(number).padStart(16, '0')}`,
  state: 'active',
  userId: number,
  generation: 1,
  ...more,
})

test('a key is found by its seed, and by no other', () => {
  const table = new KeyTable(10)
  const seed = seedOf(1)
  table.set(seed, keyOf(1))
  assert.deepEqual(table.get(Uint8Array.from(seed)), keyOf(1))
  for (let octet = 0; octet < 32; octet++) {
    const other = Buffer.from(seed)
    other[octet] = (other[octet] ?? 0) ^ 1
    assert.equal(table.get(other), undefined)
  }
  assert.equal(table.get(seed.subarray(1)), undefined)
  assert.equal(table.get(Buffer.concat([seed, seed])), undefined)
})

test('a key given again takes the place of the one before', () => {
  const table = new KeyTable(10)
  table.set(seedOf(1), keyOf(1))
  table.set(seedOf(1), keyOf(2, { pneId: 'p', generation: 2 ** 32 - 1, userId: 2 ** 32 - 1 }))
  assert.deepEqual(table.get(seedOf(1)), keyOf(2, { pneId: 'p', generation: 2 ** 32 - 1, userId: 2 ** 32 - 1 }))
  assert.equal(table.size, 1)
})

test('of a key that does not fit nothing is kept, not even the one before', () => {
  const unfit: Partial<PneKeyRow>[] = [
    ...(['pending', 'retired', 'revoked'] as const).map((state) => ({ state })),
    ...['', 'x'.repeat(21), 'pne\u0000', 'pné', 'p e'].map((pneId) => ({ pneId })),
    ...[-1, 0.5, 2 ** 32, Number.NaN].flatMap((number) => [{ userId: number }, { generation: number }]),
  ]
  for (const more of unfit) {
    const table = new KeyTable(10)
    table.set(seedOf(1), keyOf(1))
    table.set(seedOf(1), keyOf(1, more))
    assert.equal(table.get(seedOf(1)), undefined, JSON.stringify(more))
    assert.equal(table.size, 0)
  }
  const table = new KeyTable(10)
  table.set(randomBytes(31), keyOf(1))
  assert.equal(table.size, 0)
})

test('it never holds more than it may, and gives away what was not used since', () => {
  const table = new KeyTable(100)
  for (let number = 0; number < 100; number++) table.set(seedOf(number), keyOf(number))
  table.set(seedOf(100), keyOf(100)) // the hand has been round once
  assert.equal(table.size, 100)
  for (let number = 1; number < 50; number++) assert.deepEqual(table.get(seedOf(number)), keyOf(number))
  for (let number = 101; number < 150; number++) table.set(seedOf(number), keyOf(number))
  assert.equal(table.size, 100)
  const kept = (from: number, to: number) => {
    let count = 0
    for (let number = from; number < to; number++) if (table.get(seedOf(number))) count++
    return count
  }
  assert.equal(kept(0, 1), 0)
  assert.equal(kept(1, 50), 49, 'those used')
  assert.equal(kept(50, 100), 1, 'those not used')
  assert.equal(kept(100, 150), 50, 'those that came last')
})

test('all keys of a PNE go, and of no other, whose pneId ends alike or is shorter', () => {
  const table = new KeyTable(10)
  const pneIds = ['pne-a000000000000001', 'pne-a000000000000001', 'pne-b000000000000001', 'pne-a', 'pne-b']
  for (const [number, pneId] of pneIds.entries()) table.set(seedOf(number), keyOf(number, { pneId }))
  table.deletePnes(['pne-a000000000000001', 'pne-b', 'pne-unknown'])
  const left = pneIds.map((_, number) => table.get(seedOf(number))?.pneId)
  assert.deepEqual(left, [undefined, undefined, 'pne-b000000000000001', 'pne-a', undefined])
  assert.equal(table.size, 2)
})

test('after it was cleared nothing is found, and all of it may be used again', () => {
  const table = new KeyTable(50)
  for (let number = 0; number < 60; number++) table.set(seedOf(number), keyOf(number))
  table.clear()
  assert.equal(table.size, 0)
  for (let number = 0; number < 60; number++) assert.equal(table.get(seedOf(number)), undefined)
  for (let number = 0; number < 50; number++) table.set(seedOf(number), keyOf(number))
  for (let number = 0; number < 50; number++) assert.deepEqual(table.get(seedOf(number)), keyOf(number))
})

test('whatever comes and goes, it holds what a map would hold', () => {
  const number = fc.nat(40)
  const act = fc.oneof(
    fc.record({ what: fc.constant('set' as const), number, as: number }),
    fc.record({ what: fc.constantFrom('delete' as const, 'revoke' as const), number }),
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const table = new KeyTable(41) // room for all: nothing is given away
      const map = new Map<number, PneKeyRow>()
      for (const one of acts) {
        if (one.what === 'set') {
          table.set(seedOf(one.number), keyOf(one.as))
          map.set(one.number, keyOf(one.as))
        } else if (one.what === 'delete') {
          table.delete(seedOf(one.number))
          map.delete(one.number)
        } else {
          table.deletePnes([keyOf(one.number).pneId])
          for (const [seed, { pneId }] of map) if (pneId === keyOf(one.number).pneId) map.delete(seed)
        }
      }
      assert.equal(table.size, map.size)
      for (let seed = 0; seed <= 40; seed++) assert.deepEqual(table.get(seedOf(seed)), map.get(seed))
    }),
  )
})

test('in a table that is always full, what is found is right, and what came last is found', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(60), { maxLength: 300 }), (max, numbers) => {
      const table = new KeyTable(max)
      for (const number of numbers) {
        table.set(seedOf(number), keyOf(number))
        assert.deepEqual(table.get(seedOf(number)), keyOf(number))
        assert.ok(table.size <= max)
      }
      let found = 0
      for (let number = 0; number <= 60; number++) {
        const key = table.get(seedOf(number))
        if (key === undefined) continue
        assert.deepEqual(key, keyOf(number))
        found++
      }
      assert.equal(found, table.size)
    }),
  )
})
