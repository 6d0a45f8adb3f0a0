// The group commit of the SQLite store: one transaction for many writes, and a fate of its own for each.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { GroupCommit } from '../../src/store/sqlite/group-commit.ts'
import { ReadTurn } from '../../src/store/sqlite/read-turn.ts'

function open() {
  const db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true })
  db.exec(`
    CREATE TABLE numbers (n INTEGER PRIMARY KEY);
    CREATE TABLE later (n INTEGER REFERENCES numbers (n) DEFERRABLE INITIALLY DEFERRED)`)
  const add = (n: number) => db.prepare('INSERT INTO numbers VALUES (?)').run(n)
  const numbers = () =>
    db
      .prepare('SELECT n FROM numbers ORDER BY n')
      .all()
      .map((row) => row['n'])
  return { db, commits: new GroupCommit(db, new ReadTurn(db)), add, numbers }
}

test('writes of one turn share a transaction', async (t) => {
  const { db, commits, add, numbers } = open()
  const exec = t.mock.method(db, 'exec')
  await Promise.all([1, 2, 3].map((n) => commits.run(() => add(n))))
  const statements = exec.mock.calls.map((call) => call.arguments[0])
  assert.equal(statements.filter((sql) => sql === 'COMMIT').length, 1)
  assert.deepEqual(numbers(), [1, 2, 3])
})

test('a write that fails is undone from its beginning, and the others of its group stay', async () => {
  const { commits, add, numbers } = open()
  const failing = () => {
    add(10)
    add(1)
  }
  const writes = [() => add(1), failing, () => add(2)].map((work) => commits.run<unknown>(work))
  const [first, second, third] = await Promise.allSettled(writes)
  assert.deepEqual([first?.status, second?.status, third?.status], ['fulfilled', 'rejected', 'fulfilled'])
  assert.deepEqual(numbers(), [1, 2])
})

test('no write is answered before the commit: when that fails, all have failed', async () => {
  const { db, commits, add, numbers } = open()
  const orphan = () => db.exec('INSERT INTO later VALUES (99)')
  const settled = await Promise.allSettled([commits.run<unknown>(() => add(1)), commits.run<unknown>(orphan)])
  assert.deepEqual(
    settled.map((one) => one.status === 'rejected' && one.reason.code),
    ['STORE_FAILED', 'STORE_FAILED'],
  )
  assert.deepEqual(numbers(), [])
  await commits.run(() => add(2))
  assert.deepEqual(numbers(), [2])
})

test('a flood of writes is refused, not queued without end', async () => {
  const { commits } = open()
  const flood = Array.from({ length: 10_001 }, () => commits.run(() => undefined))
  const settled = await Promise.allSettled(flood)
  assert.deepEqual(
    settled.filter((one) => one.status === 'rejected').map((one) => one.reason.code),
    ['STORE_BUSY'],
  )
})
