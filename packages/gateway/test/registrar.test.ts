// The outbox of presence: numbered, in order, on the disk before it is sent, and taken up again after a crash.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { Case, decode, RegistrationKind, RegistrationReport } from '@opencpns/protocol'
import { openDatabase } from '../src/keystore/database.ts'
import { Outbox } from '../src/keystore/outbox.ts'
import { type RegisteredSession, Registrar } from '../src/registrar.ts'
import { type LogLine, temporaryFolder, until } from './support/harness.ts'

async function openOutbox(t: TestContext, { max, path }: { max?: number; path?: string } = {}) {
  const file = path ?? join(await temporaryFolder(t), 'gateway.db')
  const db = openDatabase(file)
  t.after(() => db.isOpen && db.close())
  const outbox = new Outbox(db, max === undefined ? {} : { max })
  const lines: LogLine[] = []
  const log = (facts: object) => void lines.push(facts as LogLine)
  const registrar = new Registrar({ outbox, logger: { ...silent, info: log, warn: log, error: log }, now: () => 77 })
  t.after(() => db.isOpen && registrar.close())
  return { db, file, outbox, registrar, lines }
}

function session(pne = `pne-${randomBytes(4).toString('hex')}`): RegisteredSession {
  return { pne, sessionId: randomBytes(16), secondSeed: randomBytes(32), case: Case.local }
}

/** Kinds and session ids of what would be sent next. */
function sent(registrar: Registrar) {
  const { first, reports } = registrar.next() ?? { first: 0, reports: [] }
  const what = reports.map((body) => decode(body, RegistrationReport))
  return { first, what: what.map(({ kind, sessionId }) => [kind, Buffer.from(sessionId).toString('hex')]) }
}

const began = ({ sessionId }: RegisteredSession) => [RegistrationKind.began, Buffer.from(sessionId).toString('hex')]
const ended = ({ sessionId }: RegisteredSession) => [RegistrationKind.ended, Buffer.from(sessionId).toString('hex')]

test('reports are numbered from 1 in the order in which things happened, and each end is told once', async (t) => {
  const { registrar } = await openOutbox(t)
  const [one, two] = [session(), session()]
  const endOne = registrar.began(one)
  registrar.began(two)
  endOne()
  endOne()
  assert.equal(registrar.next(), undefined, 'nothing is sent that is not on the disk')
  assert.equal(registrar.unsent, 3)
  registrar.flush()
  assert.deepEqual(sent(registrar), { first: 1, what: [began(one), began(two), ended(one)] })
  const [report] = registrar.next()?.reports ?? []
  const { atMs, case: which, secondSeed } = decode(report ?? new Uint8Array(), RegistrationReport)
  assert.deepEqual([atMs, which, Buffer.from(secondSeed)], [77, Case.local, one.secondSeed])
})

test('what happens in 20 ms is one write, and then there is something to send', async (t) => {
  const { registrar, outbox } = await openOutbox(t)
  const record = t.mock.method(outbox, 'record')
  const told = t.mock.fn()
  registrar.onReports = told
  for (let i = 0; i < 50; i++) registrar.began(session())
  await until(() => told.mock.callCount() === 1)
  assert.equal(record.mock.callCount(), 1)
  assert.equal(registrar.next()?.reports.length, 50)
})

test('a presence that takes the place of another ends that one first', async (t) => {
  const { registrar } = await openOutbox(t)
  const [older, newer] = [session('pne-1'), session('pne-1')]
  const endOlder = registrar.began(older)
  registrar.began(newer)
  endOlder()
  registrar.flush()
  assert.deepEqual(sent(registrar).what, [began(older), ended(older), began(newer)])
  assert.equal(registrar.open, 1)
})

test('what the server has counted is not sent again; the rest is, 64 at a time, also after a restart', async (t) => {
  const { registrar, db, file } = await openOutbox(t)
  const sessions = Array.from({ length: 100 }, () => session())
  const ends = sessions.map((one) => registrar.began(one))
  for (const end of ends) end()
  registrar.flush()
  assert.equal(registrar.next()?.reports.length, 64)
  registrar.counted(64)
  assert.equal(sent(registrar).first, 65)
  registrar.counted(60)
  assert.equal(sent(registrar).first, 65, 'an old answer changes nothing')
  registrar.flush()
  db.close()
  const again = await openOutbox(t, { path: file })
  assert.equal(sent(again.registrar).first, 65)
  again.registrar.counted(200)
  assert.equal(again.registrar.next(), undefined)
  assert.equal(again.registrar.unsent, 0)
  again.registrar.began(session())
  again.registrar.flush()
  assert.equal(sent(again.registrar).first, 201, 'numbers go on when all are gone')
})

test('a restart reports the end of each session that a crash ended, once', async (t) => {
  const { registrar, db, file } = await openOutbox(t)
  const [closed, open] = [session(), session()]
  registrar.began(closed)()
  registrar.began(open)
  registrar.flush()
  registrar.counted(3)
  db.close() // the crash: nobody says that the session has ended
  const again = await openOutbox(t, { path: file })
  assert.deepEqual(sent(again.registrar), { first: 1, what: [began(closed), ended(closed), began(open), ended(open)] })
  again.db.close()
  assert.equal(sent((await openOutbox(t, { path: file })).registrar).what.length, 4)
})

test('a full outbox reports no more beginnings, but the end of all that it reported as begun', async (t) => {
  const { registrar, lines } = await openOutbox(t, { max: 3 })
  const sessions = Array.from({ length: 5 }, () => session())
  const ends = sessions.map((one) => registrar.began(one))
  registrar.flush()
  for (const end of ends) end()
  registrar.flush()
  const [one, two, three] = sessions as [RegisteredSession, RegisteredSession, RegisteredSession]
  assert.deepEqual(sent(registrar).what, [began(one), began(two), began(three), ended(one), ended(two), ended(three)])
  const full = lines.filter((line) => line['event'] === 'outbox-full')
  assert.equal(full.length, 1)
  registrar.counted(6)
  registrar.began(session())
  registrar.flush()
  assert.equal(sent(registrar).first, 7, 'with room again it reports again')
})

test('when the server counts from another number, what is left follows that number, and who is present is told again', async (t) => {
  for (const serverIsAt of [2, 1000]) {
    const { registrar, lines } = await openOutbox(t)
    const [gone, open, left] = [session(), session(), session()]
    registrar.began(gone)()
    registrar.began(open)
    registrar.flush()
    registrar.counted(3)
    const endLeft = registrar.began(left)
    endLeft()
    registrar.flush()
    registrar.continueAfter(serverIsAt)
    assert.deepEqual(sent(registrar), { first: serverIsAt + 1, what: [began(left), ended(left), began(open)] })
    assert.ok(lines.some((line) => line['event'] === 'reports-renumbered'))
    registrar.counted(serverIsAt + 3)
    registrar.began(session())
    registrar.flush()
    assert.equal(sent(registrar).first, serverIsAt + 4)
  }
})

test('an answer beyond all that was ever reported means another numbering', async (t) => {
  const { registrar } = await openOutbox(t)
  const one = session()
  registrar.began(one)
  registrar.flush()
  registrar.counted(500)
  assert.deepEqual(sent(registrar), { first: 501, what: [began(one), began(one)] })
})

test('what the disk does not take is kept and tried again', async (t) => {
  const { registrar, db, file, lines } = await openOutbox(t)
  db.exec('PRAGMA busy_timeout = 1')
  const other = openDatabase(file)
  other.exec('BEGIN IMMEDIATE')
  const one = session()
  registrar.began(one)
  registrar.flush()
  assert.equal(registrar.next(), undefined)
  assert.ok(lines.some((line) => line['event'] === 'fault'))
  other.exec('ROLLBACK')
  other.close()
  registrar.began(session())
  registrar.flush()
  assert.deepEqual([sent(registrar).what.length, sent(registrar).what[0]], [2, began(one)])
})

test('nothing is noted where no server wants to hear of it', async (t) => {
  const { outbox } = await openOutbox(t)
  const registrar = new Registrar({ outbox, logger: silent, wanted: false })
  registrar.began(session())()
  registrar.flush()
  assert.deepEqual([registrar.unsent, outbox.length], [0, 0])
})

test('whoever waits for delivery waits until the server has counted all', async (t) => {
  const { registrar } = await openOutbox(t)
  await registrar.delivered()
  registrar.began(session())()
  registrar.flush()
  let delivered = false
  const waiting = registrar.delivered().then(() => {
    delivered = true
  })
  registrar.counted(1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(delivered, false)
  registrar.counted(2)
  await waiting
})

test('5,000 PNEs that come back within a second do not hold up the event loop', async (t) => {
  const { registrar } = await openOutbox(t)
  let longest = 0
  let before = process.threadCpuUsage()
  const look = setInterval(() => {
    const { user, system } = process.threadCpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.threadCpuUsage()
  }, 1)
  t.after(() => clearInterval(look))
  for (let i = 0; i < 100; i++) {
    for (let j = 0; j < 50; j++) registrar.began(session())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  registrar.flush()
  assert.equal(registrar.unsent, 5000)
  t.diagnostic(`the longest turn of the event loop took ${Math.round(longest)} ms of processor time`)
  assert.ok(longest < 500, `${longest} ms`)
})

test('a transaction of the outbox that fails leaves its numbers as they were', async (t) => {
  const { registrar, db, file, outbox } = await openOutbox(t)
  registrar.began(session())
  registrar.flush()
  db.exec('PRAGMA busy_timeout = 1')
  const other = openDatabase(file)
  other.exec('BEGIN IMMEDIATE')
  const facts = [{ kind: 'began', session: session(), atMs: 1 }] as const
  assert.throws(() => outbox.record(facts, 1), { code: 'DATABASE_BUSY' })
  assert.deepEqual([outbox.last, outbox.counted, outbox.length], [1, 0, 1])
  other.close()
})
