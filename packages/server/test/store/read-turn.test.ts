// Look-ups share a transaction within a turn of the event loop, and never hold up or miss a write.

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { GroupCommit } from '../../src/store/sqlite/group-commit.ts'
import { ReadTurn } from '../../src/store/sqlite/read-turn.ts'

function open() {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE t (n INTEGER)')
  const turn = new ReadTurn(db)
  return {
    db,
    turn,
    commits: new GroupCommit(db, turn),
    count: () => db.prepare('SELECT count(*) AS n FROM t').get()?.['n'],
  }
}

test('look-ups of one turn share a transaction, which ends with the turn', async () => {
  const { db, turn } = open()
  turn.enter()
  turn.enter()
  assert.equal(db.isTransaction, true)
  await new Promise(setImmediate)
  assert.equal(db.isTransaction, false)
})

test('a write that was asked for in a turn of look-ups is committed, and the next look-up sees it', async () => {
  const { db, turn, commits, count } = open()
  turn.enter()
  await commits.run(() => db.exec('INSERT INTO t VALUES (1)'))
  assert.equal(db.isTransaction, false)
  turn.enter()
  assert.equal(count(), 1)
  turn.end()
})

test('ending twice, and a turn that ends early, do no harm', async () => {
  const { db, turn } = open()
  turn.enter()
  turn.end()
  turn.end()
  turn.enter()
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  assert.equal(db.isTransaction, false)
})
