// The SQLite store: the contract in memory and in a file, and what only a file can suffer.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { CHANGES_KEPT } from '../../src/store/contract-changes.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { storeContract } from './contract.ts'
import { furnish, GATEWAY } from './furnish.ts'

storeContract('sqlite, in memory', async () => openSqlite(':memory:'))
storeContract('sqlite, in a file', async (t) => openSqlite(join(temporaryFolder(t), 'cpns.db')))

const USERS = 100

const worker = join(import.meta.dirname, 'assigning-process.ts')

test('every assignment that was answered is there after kill -9 in the middle of a loop', {
  timeout: 20_000,
}, async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  for (const answersBeforeKill of [1, 40, 7]) {
    const child = fork(worker, [path], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const answered: string[] = []
    child.on('message', (secondSeed: string) => {
      answered.push(secondSeed)
      if (answered.length === answersBeforeKill) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL')

    const store = openSqlite(path)
    for (const secondSeed of answered) {
      assert.equal((await store.findPneBySecondSeed(Buffer.from(secondSeed, 'base64url')))?.state, 'active')
    }
    await store.close()
  }
})

test('two processes that create and fill one database lose nothing', { timeout: 20_000 }, async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const runs = [1, 2, 3].map(async () => {
    const child = fork(worker, [path, '30'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const answered: string[] = []
    child.on('message', (secondSeed: string) => answered.push(secondSeed))
    assert.deepEqual(await once(child, 'exit'), [0, null])
    return answered
  })
  const answered = (await Promise.all(runs)).flat()
  assert.equal(answered.length, 90)
  const store = openSqlite(path)
  for (const secondSeed of answered) {
    assert.equal((await store.findPneBySecondSeed(Buffer.from(secondSeed, 'base64url')))?.state, 'active')
  }
  await store.close()
  assert.deepEqual(new DatabaseSync(path).prepare('PRAGMA integrity_check').all(), [
    Object.assign(Object.create(null), { integrity_check: 'ok' }),
  ])
})

test('a write that another process blocks for too long is refused as busy, and works once it may', {
  timeout: 10_000,
}, async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const user = { name: 'alice', sealedFirstSeed: Buffer.of(1), createdAt: 1 }
  await assert.rejects(store.addUser(user), { code: 'STORE_BUSY' })
  assert.equal(await store.findUser('alice'), undefined)
  other.exec('COMMIT')
  assert.equal((await store.addUser(user)).name, 'alice')
  other.close()
  await store.close()
})

test('the connection waits for the disk at each commit and keeps references whole', async (t) => {
  const connections = new Set<DatabaseSync>()
  const original = DatabaseSync.prototype.exec
  t.mock.method(DatabaseSync.prototype, 'exec', function (this: DatabaseSync, sql: string) {
    connections.add(this)
    return original.call(this, sql)
  })
  const store = openSqlite(join(temporaryFolder(t), 'cpns.db'))
  const [db] = connections
  const pragma = (name: string) => Object.values(db?.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  assert.deepEqual([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')], ['wal', 2, 1])
  await store.close()
})

test('a database of the first schema is brought up to date with all that it holds', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const db = new DatabaseSync(path)
  db.exec(readFileSync(join(import.meta.dirname, 'schema-1.sql'), 'utf8'))
  db.close()
  for (const opening of ['first', 'second']) {
    const store = openSqlite(path)
    const { items } = await store.listGateways({}, { limit: 10 })
    const gateways = items.map(({ identity, radius, revokedAt }) => [identity, radius, revokedAt])
    assert.deepEqual(gateways.slice(0, 2), [
      ['home@example.org', null, null],
      ['lobby@example.org', null, 4],
    ])
    assert.deepEqual([...((await store.findGateway('home@example.org'))?.sealedSecret ?? [])], [8])
    const pnes = await store.listPnes({}, { limit: 10 })
    assert.deepEqual(
      pnes.items.map(({ pneId, state, gateway }) => [pneId, state, gateway]),
      [
        ['pne-c', 'revoked', 'lobby@example.org'],
        ['pne-b', 'pending', 'home@example.org'],
        ['pne-a', 'active', 'home@example.org'],
      ],
    )
    assert.equal((await store.findPneBySecondSeed(Buffer.alloc(32)))?.generation, 1)
    assert.deepEqual([await store.newestRevocation(), (await store.listEvents({ limit: 5 })).length], [1, 1])
    if (opening === 'first') {
      const radius = { identity: 'pole-ap@example.org', radius: '192.0.2.1/32', userId: 1 }
      await store.addGateway({ ...radius, sealedSecret: Buffer.of(1), createdAt: 9 })
    }
    assert.deepEqual((await store.listRadiusGateways()).length, 1)
    await store.close()
  }
  assert.equal(new DatabaseSync(path).prepare('PRAGMA user_version').get()?.['user_version'], 6)
})

test('a database with PNEs of one key each keeps them, their registrations and its revocation log', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const db = new DatabaseSync(path)
  db.exec(readFileSync(join(import.meta.dirname, 'schema-3.sql'), 'utf8'))
  db.close()
  const store = openSqlite(path)
  const { items } = await store.listPnes({}, { limit: 10 })
  assert.deepEqual(
    items.map(({ pneId, state, generation, keyCreatedAt, name }) => [pneId, state, generation, keyCreatedAt, name]),
    [
      ['pne-c', 'revoked', 1, 5, null],
      ['pne-b', 'pending', 1, 5, null],
      ['pne-a', 'active', 2, 5, 'watch'],
    ],
  )
  const secondSeed = Buffer.alloc(32)
  assert.deepEqual(await store.findPneBySecondSeed(secondSeed), {
    pneId: 'pne-a',
    state: 'active',
    userId: 1,
    generation: 2,
  })
  const { items: registrations } = await store.listRegistrations({}, { limit: 10 })
  assert.deepEqual(
    registrations.map(({ pneId, since }) => [pneId, since]),
    [['pne-a', 9]],
  )
  const next = randomBytes(32)
  const gateway = 'home@example.org'
  await store.assignKey({ secondSeed: next, replaces: secondSeed, gateway, createdAt: 20 })
  await store.confirmPne(next, gateway, 21)
  assert.equal((await store.retireKey(secondSeed, gateway, 22))?.state, 'retired')
  assert.equal((await store.revokePne('pne-a', (seed) => seed, 23))?.pneId, 'pne-a')
  const lines = await store.revocationsSince(0, 10)
  assert.deepEqual(
    lines.map(({ seq, pneId }) => [seq, pneId]),
    [
      [4, 'pne-c'],
      [5, 'pne-a'],
      [6, 'pne-a'],
    ],
  )
  await store.close()
  const after = new DatabaseSync(path)
  assert.deepEqual(
    [after.prepare('PRAGMA foreign_key_check').all(), after.prepare('PRAGMA quick_check').all().length],
    [[], 1],
  )
  after.close()
})

test('a database from before the operator’s view keeps what it holds, and its names are found', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const db = new DatabaseSync(path)
  db.exec(readFileSync(join(import.meta.dirname, 'schema-4.sql'), 'utf8'))
  db.close()
  for (const opening of [1, 2]) {
    const store = openSqlite(path)
    const alice = await store.findUser('alice')
    assert.deepEqual([alice?.version, alice?.roaming, alice?.sessionsMax], [1, 'listed', 3])
    const find = async (query: string) =>
      (await store.listPnes({ query }, { limit: 5 })).items.map(({ pneId }) => pneId)
    assert.deepEqual([await find('lam'), await find('KÜCHE'), await find('x')], [['pne-a'], ['pne-c'], []])
    const { items } = await store.listGateways({}, { limit: 5 })
    assert.deepEqual(
      items.map(({ identity, version, visitors, registered }) => [identity, version, visitors, registered]),
      [
        ['ap@example.org', 1, true, 0],
        ['home@example.org', 1, false, 1],
      ],
    )
    assert.deepEqual(
      (await store.listKeys('pne-a')).map(({ state, generation }) => [state, generation]),
      [
        ['active', 2],
        ['retired', 1],
      ],
    )
    assert.deepEqual((await store.counts()).pnes, { pending: 1, active: 1, revoked: 1 })
    const event = await store.findEvent(12)
    assert.deepEqual([event?.result, event?.session, event?.steps], ['connected', null, null])
    assert.equal((await store.listSealed(undefined, 10)).length, 4, `opening ${opening}`)
    await store.close()
  }
})

test('a database that refers to what is not there is refused and left as it is', (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  db.exec(readFileSync(join(import.meta.dirname, 'schema-3.sql'), 'utf8'))
  db.exec('DELETE FROM gateways WHERE id = 1')
  db.close()
  assert.throws(() => openSqlite(path), { code: 'STORE_CORRUPT', message: /backup/ })
  assert.equal(new DatabaseSync(path).prepare('PRAGMA user_version').get()?.['user_version'], 3)
})

test('a look-up of a 2nd seed is one search in one index', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const prepared: string[] = []
  const prepare = DatabaseSync.prototype.prepare
  t.mock.method(DatabaseSync.prototype, 'prepare', function (this: DatabaseSync, sql: string) {
    prepared.push(sql)
    return prepare.call(this, sql)
  })
  await openSqlite(path).close()
  const lookUp = prepared.find((sql) => sql.startsWith('SELECT pne_id, state, user_id, generation'))
  const db = new DatabaseSync(path)
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${lookUp}`).all()
  assert.deepEqual(
    plan.map(({ detail }) => detail),
    ['SEARCH keys USING PRIMARY KEY (second_seed=?)'],
  )
  db.close()
})

test('a database of a newer version is refused and left as it is', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  await openSqlite(path).close()
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 999')
  db.close()
  assert.throws(() => openSqlite(path), { code: 'STORE_NEWER', message: /schema 999/ })
  assert.equal(new DatabaseSync(path).prepare('PRAGMA user_version').get()?.['user_version'], 999)
})

test("another program's database is refused and left as it is", (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE recipes (name TEXT)')
  db.close()
  assert.throws(() => openSqlite(path), { code: 'STORE_NOT_OURS' })
  const tables = new DatabaseSync(path).prepare('SELECT name FROM sqlite_schema').all()
  assert.deepEqual(
    tables.map((table) => table['name']),
    ['recipes'],
  )
})

test('a file that is no database is refused as damaged', (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  writeFileSync(path, randomBytes(8192))
  assert.throws(() => openSqlite(path), { code: 'STORE_CORRUPT', message: /backup/ })
})

test('a database that is cut anywhere is refused, and never taken for a new one', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  await openSqlite(path).close()
  const whole = readFileSync(path)
  for (const octets of [1, 15, 100, 4095, 4097, whole.length - 4096, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, octets))
    assert.throws(() => openSqlite(path), { code: 'STORE_CORRUPT', message: /cpns\.db is damaged/ }, `${octets} octets`)
  }
})

test('a database in which a bit of an index was flipped is refused', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  await store.addUser({ name: 'zebulon', sealedFirstSeed: randomBytes(61), createdAt: 1 })
  await store.close()
  const octets = readFileSync(path)
  octets.writeUInt8(octets.readUInt8(octets.indexOf('zebulon')) ^ 1, octets.indexOf('zebulon'))
  writeFileSync(path, octets)
  assert.throws(() => openSqlite(path), { code: 'STORE_CORRUPT' })
})

test('a database with a damaged page is refused, not read', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  await store.addUser({ name: 'alice', sealedFirstSeed: randomBytes(61), createdAt: 1 })
  await store.close()
  const octets = readFileSync(path)
  // Page 1 holds the header and the schema; the rest hold tables and indexes.
  octets.fill(0xff, 4096)
  writeFileSync(path, octets)
  assert.throws(() => openSqlite(path), { code: 'STORE_CORRUPT' })
})

test('a path that cannot be opened is refused with advice', (t) => {
  const path = join(temporaryFolder(t), 'missing', 'cpns.db')
  assert.throws(() => openSqlite(path), { code: 'STORE_FAILED', message: /check its permissions/ })
})

test('of a removed user the sealed 1st seeds are in none of the files, while the store is open', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  const seeds: Buffer[] = []
  for (let i = 0; i < USERS; i++) {
    const [sealedFirstSeed, sealed] = [randomBytes(61), randomBytes(61)]
    const { id: userId } = await store.addUser({ name: `user-${i}`, sealedFirstSeed, createdAt: 1 })
    await store.addFirstSeed({ userId, generation: 2, sealed, createdAt: 1 })
    seeds.push(sealedFirstSeed, sealed)
  }
  const holds = (seed: Buffer) => [path, `${path}-wal`].some((file) => readFileSync(file).includes(seed))
  assert.ok(seeds.every(holds))
  const tagOf = () => randomBytes(32)
  for (let i = 0; i < USERS; i++) assert.equal((await store.removeUser(`user-${i}`, tagOf, 2))?.erased, true)
  assert.deepEqual(seeds.filter(holds), [])
  await store.close()
})

test('of a retired generation the sealed 1st seed is in none of the files, and that of the newest is', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  const [old, newest] = [randomBytes(61), randomBytes(61)]
  const { id: userId } = await store.addUser({ name: 'alice', sealedFirstSeed: old, createdAt: 1 })
  await store.addFirstSeed({ userId, generation: 2, sealed: newest, createdAt: 1 })
  const holds = (seed: Buffer) => [path, `${path}-wal`].some((file) => readFileSync(file).includes(seed))
  assert.deepEqual([holds(old), holds(newest)], [true, true])
  const of = { userId, generation: 1, force: false, tagOf: () => randomBytes(32), at: 2 }
  assert.deepEqual([(await store.retireGeneration(of)).erased, holds(old), holds(newest)], [true, false, true])
  await store.close()
})

test('a removal says when somebody who reads keeps the old pages in the log', { timeout: 10_000 }, async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  await store.addUser({ name: 'alice', sealedFirstSeed: randomBytes(61), createdAt: 1 })
  const reader = new DatabaseSync(path)
  reader.exec('BEGIN; SELECT * FROM users')
  assert.equal((await store.removeUser('alice', () => randomBytes(32), 2))?.erased, false)
  reader.close()
  await store.close()
})

test('of a PNE that was never confirmed no word stays behind', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  const { id: userId } = await store.addUser({ name: 'alice', sealedFirstSeed: Buffer.of(1), createdAt: 1 })
  const gateway = 'home@example.org'
  await store.addGateway({ identity: gateway, radius: null, userId, sealedSecret: Buffer.of(1), createdAt: 1 })
  const pne = { gateway, name: 'Kitchen lamp', createdAt: 5 }
  await store.assignPne({ ...pne, pneId: 'pne-a', secondSeed: randomBytes(32) })
  await store.assignPne({ ...pne, pneId: 'pne-b', secondSeed: randomBytes(32), createdAt: 9 })
  await store.removePendingPnes(6)
  await store.close()
  const db = new DatabaseSync(path)
  assert.deepEqual(
    db
      .prepare('SELECT word, pne FROM pne_words')
      .all()
      .map(({ word, pne }) => [word, pne]),
    [
      ['kitchen', 2],
      ['lamp', 2],
    ],
  )
  db.close()
})

test('a clean close leaves one file', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const store = openSqlite(path)
  await store.addUser({ name: 'alice', sealedFirstSeed: Buffer.of(1), createdAt: 1 })
  assert.ok(statSync(`${path}-wal`).size > 0)
  await store.close()
  assert.equal(statSync(`${path}-wal`, { throwIfNoEntry: false }), undefined)
})

test(`of the log of changes only the newest ${CHANGES_KEPT} lines are kept, and who is further behind can tell`, async () => {
  const store = openSqlite(':memory:')
  await furnish(store)
  const visitors = (at: number) => store.changeVisitors(GATEWAY, at % 2 === 0)
  await Promise.all(Array.from({ length: CHANGES_KEPT / 2 }, (_, at) => visitors(at)))
  await Promise.all(Array.from({ length: CHANGES_KEPT / 2 + 7 }, (_, at) => visitors(at)))
  const { change } = await store.newestLines()
  const [oldest] = await store.changesSince(0, 1)
  assert.ok(oldest && oldest.seq > 1)
  assert.ok(change - oldest.seq < CHANGES_KEPT * 1.1)
  await store.close()
})
