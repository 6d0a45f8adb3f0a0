// A store is moved from SQLite to PostgreSQL whole, whatever cuts it off, and never onto something else.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Postgres, startPostgres } from '../../../../test/support/postgres.ts'
import { initDataFolder, moveStore, openDataFolder } from '../../src/index.ts'
import type { Store } from '../../src/store/contract.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { transfer } from '../../src/store/transfer/transfer.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { activePne, addGateway, furnish, GATEWAY, newEvent, newPne, OTHER_GATEWAY } from './furnish.ts'

const tagOf = (secondSeed: Uint8Array) => createHash('sha256').update(secondSeed).digest()

let postgres: Postgres

before(async () => {
  postgres = await startPostgres()
})
after(() => postgres.stop())

/** Something of everything. */
async function fill(store: Store): Promise<void> {
  const { userId } = await furnish(store)
  await store.claim('empty', Buffer.alloc(0))
  await store.addFirstSeed({ userId, generation: 2, sealed: randomBytes(61), createdAt: 3 })
  await store.changeUserPolicy('alice', { roaming: 'listed', gateways: [OTHER_GATEWAY], sessionsMax: 3 })
  await addGateway(store, 'ap@example.org', userId, '192.0.2.1/32')
  await store.changeVisitors(OTHER_GATEWAY, false)
  const pnes = [await activePne(store), await activePne(store), await activePne(store, OTHER_GATEWAY)]
  await store.assignPne(newPne({ name: 'Küche "lamp" \\ {1,2} NULL \u{1f4a1}' }))
  await store.assignPne(newPne({ name: 'NULL' }))
  const next = randomBytes(32)
  await store.assignKey({ secondSeed: next, replaces: pnes[0]?.secondSeed ?? next, gateway: GATEWAY, createdAt: 4 })
  await store.confirmPne(next, GATEWAY, 5)
  await store.retireKey(pnes[0]?.secondSeed ?? next, GATEWAY, 6)
  await store.revokePne(pnes[1]?.pneId ?? '', tagOf, 7)
  const began = { kind: 'began', case: 'local', at: 8, sessionId: randomBytes(16) } as const
  await store.countReports(GATEWAY, 1, [{ ...began, secondSeed: next }])
  await store.appendEvents(
    [newEvent({ ms: 0.1 }), newEvent({ ms: 3, facts: '{"a":"\\n"}', steps: '[]', session: 's' })],
    9,
  )
  const token = { id: 't1', name: 'root', role: 'admin', createdAt: 1, createdBy: 'local', expiresAt: null } as const
  await store.addToken({ ...token, hash: randomBytes(32) })
  const audit = {
    at: 1,
    actor: 'root',
    role: 'admin',
    action: 'pne.revoke',
    target: null,
    facts: null,
    from: '::1',
  } as const
  await store.endAudit(await store.beginAudit(audit), 'done')
  const answer = { scope: 't1', key: 'k', fingerprint: randomBytes(32), at: 1, forgetBefore: 0, abandonedBefore: 0 }
  await store.claimAnswer(answer)
}

/** All that can be asked of a store. */
async function everything(store: Store) {
  const all = { limit: 1000 }
  const users = await store.listUsers({}, all)
  const pnes = await store.listPnes({}, all)
  return {
    users,
    pnes,
    generations: await Promise.all(users.items.map(({ id }) => store.listGenerations(id))),
    listed: await Promise.all(users.items.map(({ id }) => store.listedGateways(id))),
    gateways: await store.listGateways({}, all),
    sealed: await store.listSealed(undefined, 1000),
    keys: await Promise.all(pnes.items.map(({ pneId }) => store.listKeys(pneId))),
    found: (await store.listPnes({ query: 'lam' }, all)).items,
    registrations: await store.listRegistrations({}, all),
    revocations: await store.revocationsSince(0, 1000),
    changes: await store.changesSince(0, 1000),
    newest: await store.newestLines(),
    events: await store.listEvents(all),
    tokens: await store.listTokens(all),
    audit: await store.listAudit(all),
    answer: await store.claimAnswer({
      ...{ scope: 't1', key: 'k', at: 2, forgetBefore: 0, abandonedBefore: 0 },
      fingerprint: randomBytes(32),
    }),
    counts: await store.counts(),
    reports: await store.countReports(GATEWAY, 1, []),
  }
}

/** Rows of node:sqlite have no prototype. */
const plain = (value: unknown) =>
  JSON.parse(
    JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each)),
  )

async function filledSqlite(t: TestContext, pnes = 0) {
  const file = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(file)
  await fill(store)
  await store.importPnes(Array.from({ length: pnes }, (_, at) => newPne({ name: `lamp ${at}` })))
  const before = plain(await everything(store))
  await store.close()
  return { file, before }
}

async function emptyDatabase() {
  const url = await postgres.createDatabase()
  const address = new PostgresAddress(url)
  return { url, address, sql: (text: string) => postgres.sql(address.database, text) }
}

test('all that was in the SQLite store is in the PostgreSQL one, and numbers go on above those that were given out', async (t) => {
  const { file, before } = await filledSqlite(t, 12)
  const { address } = await emptyDatabase()
  const told: [number, number][] = []
  const report = await transfer({ from: file, to: address, part: 7, onProgress: (...progress) => told.push(progress) })
  const store = await openPostgres(address)
  t.after(() => store.close())
  assert.deepEqual(plain(await everything(store)), before)

  assert.equal(report.resumed, false)
  assert.ok(
    report.tables.every(({ rows, sha256 }) => rows > 0 && /^[0-9a-f]{64}$/.test(sha256)),
    'no table was forgotten',
  )
  assert.deepEqual(told.at(-1), [2 * report.rows, 2 * report.rows])
  assert.ok(told.every(([done], at) => at === 0 || done >= (told[at - 1]?.[0] ?? 0)))

  const { seq = 0 } = (await store.revokePne((await activePne(store)).pneId, tagOf, 9)) ?? {}
  assert.ok(seq > before.newest.revocation)
  const [id = 0] = await store.appendEvents([newEvent({})], 100)
  assert.ok(id > before.events[0].id)
  assert.equal((await store.listPnes({}, { limit: 1 })).items[0]?.createdAt, 10, 'a new PNE is the newest')
  await store.changeVisitors(GATEWAY, false)
  assert.equal((await store.newestLines()).change, before.newest.change + 1)
})

test('a number that was given out and is gone is not given out again', async (t) => {
  const file = join(temporaryFolder(t), 'cpns.db')
  const sqlite = openSqlite(file)
  await furnish(sqlite)
  await sqlite.assignPne(newPne({ createdAt: 1 }))
  await sqlite.removePendingPnes(5)
  await sqlite.close()
  const db = new DatabaseSync(file)
  db.exec(
    "UPDATE sqlite_sequence SET seq = 500 WHERE name = 'pnes'; INSERT INTO sqlite_sequence VALUES ('revocations', 700)",
  )
  db.close()
  const { address, sql } = await emptyDatabase()
  await transfer({ from: file, to: address })
  const store = await openPostgres(address)
  t.after(() => store.close())
  const { pneId } = await activePne(store)
  assert.deepEqual(await sql('SELECT id FROM pnes'), [{ id: '501' }])
  assert.equal((await store.revokePne(pneId, tagOf, 9))?.seq, 701)
})

test('killed at any moment, it goes on where it was; until it is finished no server serves from it', {
  timeout: 90_000,
}, async (t) => {
  const { file, before } = await filledSqlite(t, 150)
  const { url, address } = await emptyDatabase()
  let [kills, resumed, finished] = [0, false, false]
  for (let round = 0; !finished; round++) {
    const child = fork(join(import.meta.dirname, 'moving-process.ts'), [file, url])
    const mostly = round % 5 === 4 ? Number.POSITIVE_INFINITY : 3 + ((round * 7) % 11)
    let steps = 0
    child.on('message', (told: number | { resumed: boolean }) => {
      steps++
      if (typeof told === 'object') [resumed, finished] = [told.resumed, true]
      else if (steps > mostly || (mostly === Number.POSITIVE_INFINITY && round < 8 && told > 700 + round * 20))
        child.kill('SIGKILL')
    })
    await once(child, 'exit')
    if (finished) break
    kills++
    await assert.rejects(openPostgres(address), { code: /^STORE_(INCOMPLETE|NOT_EMPTY)$/ })
    assert.ok(kills < 60, 'it comes to an end')
  }
  assert.ok(kills > 5 && resumed, `${kills} kills`)
  const store = await openPostgres(address)
  t.after(() => store.close())
  assert.deepEqual(plain(await everything(store)), before)
})

test('a database with anything in it is refused and left as it is', async (t) => {
  const { file } = await filledSqlite(t)
  const { address, sql } = await emptyDatabase()
  const store = await openPostgres(address)
  await store.claim('master-key-check', Buffer.of(1))
  await store.close()
  await assert.rejects(transfer({ from: file, to: address }), { code: 'STORE_NOT_EMPTY' })
  assert.deepEqual(await sql('SELECT (SELECT count(*)::int FROM users) AS users, transfer FROM opencpns'), [
    { users: 0, transfer: null },
  ])

  const foreign = await emptyDatabase()
  await foreign.sql('CREATE TABLE recipes (name text)')
  await assert.rejects(transfer({ from: file, to: foreign.address }), { code: 'STORE_NOT_OURS' })
})

test('what another transfer began is not finished with another store', async (t) => {
  const [one, other] = [await filledSqlite(t), await filledSqlite(t)]
  const db = new DatabaseSync(other.file)
  db.exec("INSERT INTO claims VALUES ('x', x'01')")
  db.close()
  const { address } = await emptyDatabase()
  const cut = new Error('cut off')
  const onCompared = () => Promise.reject(cut)
  await assert.rejects(transfer({ from: one.file, to: address, onCompared }), cut)
  await assert.rejects(transfer({ from: other.file, to: address }), { code: 'STORE_NOT_EMPTY' })
  assert.equal((await transfer({ from: one.file, to: address })).resumed, true)
})

test('a row that is not what it was is found before anybody serves from it', async (t) => {
  const { file } = await filledSqlite(t, 40)
  for (const [damage, named] of [
    ["UPDATE pnes SET name = 'lamp!' WHERE name = 'lamp 7'", /the table pnes .*differs: id /],
    ["DELETE FROM pne_words WHERE word = '7'", /the table pne_words .*differs: .*word 7/],
    [
      'UPDATE keys SET created_at = created_at + 1 WHERE second_seed = (SELECT max(second_seed) FROM keys)',
      /the table keys .*differs: second_seed [0-9a-f]{8}…\)/,
    ],
    ["UPDATE first_seeds SET sealed = sealed || '\\x00' WHERE generation = 2", /first_seeds .*differs: .*generation 2/],
    ['UPDATE events SET ms = 0.1000000000000001 WHERE id = 1', /the table events .*differs: id 1\)/],
  ] as const) {
    const { address, sql } = await emptyDatabase()
    let damaging: Promise<unknown> | undefined
    const onProgress = (done: number, total: number) => {
      if (done >= total / 2) damaging ??= sql(damage)
    }
    // The last row of the source is read before that of the target is written: so the transfer waits once more for the first.
    await transfer({ from: file, to: address, onProgress, onCompared: () => Promise.reject(new Error('once')) }).catch(
      () => undefined,
    )
    await damaging
    const error = await transfer({ from: file, to: address }).catch((reason) => reason)
    assert.equal(error.code, 'STORE_DIFFERS', damage)
    assert.match(error.message, named)
    assert.match(error.message, /begin again$/)
    await assert.rejects(openPostgres(address), { code: 'STORE_INCOMPLETE' })
  }
})

test('two that fill one database at once do not spoil it', { timeout: 30_000 }, async (t) => {
  const { file, before } = await filledSqlite(t, 60)
  const copy = `${file}.copy`
  copyFileSync(file, copy)
  const { address } = await emptyDatabase()
  const both = [file, copy].map((from) => transfer({ from, to: address, part: 3 }))
  const outcomes = await Promise.allSettled(both)
  const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []))
  assert.ok(
    refusals.length > 0 && refusals.every((code) => /^STORE_(BUSY|DUPLICATE|NOT_EMPTY)$/.test(code)),
    `${refusals}`,
  )
  if (refusals.length === 2) await transfer({ from: file, to: address })
  const store = await openPostgres(address)
  t.after(() => store.close())
  assert.deepEqual(plain(await everything(store)), before)
})

test('when something else notes its progress in the database, the transfer stops', async (t) => {
  const { file } = await filledSqlite(t, 60)
  const { address, sql } = await emptyDatabase()
  const disturb = "UPDATE opencpns SET transfer = '{}' WHERE transfer <> '{}'"
  const onProgress = () => void sql(disturb)
  await assert.rejects(transfer({ from: file, to: address, part: 3, onProgress }), {
    code: 'STORE_BUSY',
    message: /another transfer/,
  })
})

test('a store that somebody else writes is not moved', { timeout: 20_000 }, async (t) => {
  const { file } = await filledSqlite(t)
  const { address, sql } = await emptyDatabase()
  const writer = new DatabaseSync(file)
  writer.exec('BEGIN IMMEDIATE')
  await assert.rejects(transfer({ from: file, to: address }), { code: 'STORE_BUSY' })
  writer.close()
  assert.deepEqual(await sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"), [])
  const moving = transfer({ from: file, to: address })
  await sleep(50)
  const other = new DatabaseSync(file, { timeout: 0 })
  assert.throws(() => other.exec('BEGIN IMMEDIATE'), /locked/)
  other.close()
  await moving
})

test('with its data folder: the key is checked, no server runs there, and afterwards the folder goes with the database', {
  timeout: 30_000,
}, async (t) => {
  const [dir, otherDir] = [join(temporaryFolder(t), 'server'), join(temporaryFolder(t), 'other')]
  for (const each of [dir, otherDir]) await initDataFolder(each, { realm: 'example.org' })
  const { store, release } = await openDataFolder(dir)
  await fill(store)
  const { url } = await emptyDatabase()
  const from = `sqlite:${join(dir, 'cpns.db')}`
  await assert.rejects(moveStore({ from, to: url, dataDir: dir }), { code: 'DATA_FOLDER_IN_USE' })
  await store.close()
  release()
  await assert.rejects(openDataFolder(dir, { store: url }), {
    code: 'DATA_FOLDER_STORE_ELSEWHERE',
    message: /server migrate/,
  })
  await assert.rejects(moveStore({ from, to: url, dataDir: otherDir }), { code: 'MASTER_KEY_WRONG' })
  await assert.rejects(moveStore({ from, to: url, dataDir: join(dir, 'none') }), { code: 'DATA_FOLDER_MISSING' })

  await moveStore({ from, to: url, dataDir: dir })
  await assert.rejects(openDataFolder(dir), { code: 'DATA_FOLDER_STORE_ELSEWHERE', message: /--store/ })
  const moved = await openDataFolder(dir, { store: url })
  assert.equal((await moved.store.findUser('alice'))?.name, 'alice')
  await moved.store.close()
  moved.release()
  assert.ok(!(await readFile(join(dir, 'server.json'), 'utf8')).includes(postgres.password))
})

test('what is no SQLite store, or no database to move to, is refused', async (t) => {
  const { file } = await filledSqlite(t)
  const { url } = await emptyDatabase()
  const invalid = { code: 'STORE_ADDRESS_INVALID' }
  await assert.rejects(moveStore({ from: file, to: url }), invalid)
  await assert.rejects(moveStore({ from: url, to: url }), invalid)
  await assert.rejects(moveStore({ from: `sqlite:${file}`, to: 'sqlite' }), invalid)
  await assert.rejects(moveStore({ from: `sqlite:${file}`, to: 'sqlite:other.db' }), invalid)
  await assert.rejects(moveStore({ from: `sqlite:${file}.none`, to: url }), { code: 'STORE_UNREACHABLE' })
  await assert.rejects(moveStore({ from: `sqlite:${import.meta.filename}`, to: url }), { code: 'STORE_CORRUPT' })
})
