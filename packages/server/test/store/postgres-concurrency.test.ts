// Several servers on one PostgreSQL: what they do at the same time leaves the store as if they had done it in turn.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { type Postgres, startPostgres } from '../../../../test/support/postgres.ts'
import { until } from '../../../../test/support/until.ts'
import type { Store } from '../../src/store/contract.ts'
import { CHANGES_KEPT } from '../../src/store/contract-changes.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { Database } from '../../src/store/postgres/database.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'
import { activePne, furnish, GATEWAY, newEvent, newPne, OTHER_GATEWAY } from './furnish.ts'

const tagOf = (secondSeed: Uint8Array) => createHash('sha256').update(secondSeed).digest()

let postgres: Postgres
let template: string

before(async () => {
  postgres = await startPostgres({ deadlock_timeout: '50ms' })
  const address = new PostgresAddress(await postgres.createDatabase())
  await (await openPostgres(address)).close()
  template = address.database
})
after(() => postgres.stop())

/** A database with its schema, and two servers' stores on it. */
async function twoStores(t: TestContext) {
  const address = new PostgresAddress(await postgres.createDatabase(template))
  const stores = [await openPostgres(address), await openPostgres(address)] as const
  t.after(() => Promise.all(stores.map((store) => store.close())))
  return { stores, sql: (text: string) => postgres.sql(address.database, text), address }
}

/** Follows a log from its beginning, as a gateway or another server does, until `act` has ended. */
async function follow<Row extends { seq: number }>(read: (seq: number) => Promise<Row[]>, act: () => Promise<unknown>) {
  const seen: Row[] = []
  let going = true
  const acting = act().finally(() => {
    going = false
  })
  for (let last = false; !last; ) {
    last = !going
    seen.push(...(await read(seen.at(-1)?.seq ?? 0)))
  }
  await acting
  return seen
}

test('who follows the revocation log misses no line, however many servers write it at once', async (t) => {
  const { stores } = await twoStores(t)
  await furnish(stores[0])
  const pnes = await Promise.all(Array.from({ length: 60 }, () => activePne(stores[0])))
  const revoke = () => Promise.all(pnes.map(({ pneId }, at) => (stores[at % 2] as Store).revokePne(pneId, tagOf, at)))
  const seen = await follow((seq) => stores[0].revocationsSince(seq, 100), revoke)
  assert.deepEqual(new Set(seen.map(({ pneId }) => pneId)), new Set(pnes.map(({ pneId }) => pneId)))
  assert.deepEqual(seen, await stores[1].revocationsSince(0, 100))
})

test('who follows the log of changes misses no line either', async (t) => {
  const { stores } = await twoStores(t)
  await furnish(stores[0])
  const change = () =>
    Promise.all(
      Array.from({ length: 40 }, (_, at) => {
        const store = stores[at % 2] as Store
        return at % 4 < 2 ? store.changeVisitors(GATEWAY, at % 3 === 0) : store.changeUserPolicy('bob', {})
      }),
    )
  const seen = await follow((seq) => stores[0].changesSince(seq, 100), change)
  assert.equal(seen.length, 40)
})

for (const [log, write, read] of [
  [
    'revocations',
    (store: Store, pneId: string) => store.revokePne(pneId, tagOf, 1),
    (store: Store) => store.newestRevocation(),
  ],
  [
    'events',
    (store: Store) => store.appendEvents([newEvent({})], 100),
    async (store: Store) => (await store.listEvents({ limit: 1 }))[0]?.id ?? 0,
  ],
] as const) {
  test(`a line of ${log} waits for the one before it, which another server has not committed yet`, async (t) => {
    const { stores, sql } = await twoStores(t)
    await furnish(stores[0])
    const { pneId } = await activePne(stores[0])
    await sql(`BEGIN; UPDATE counters SET value = value + 1 WHERE name = '${log}'`)
    let written = false
    const writing = write(stores[0], pneId).then(() => {
      written = true
    })
    const waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%counters%'"
    await until(async () => (await postgres.sql('postgres', waits)).length === 1)
    assert.deepEqual([written, await read(stores[1])], [false, 0])
    await sql('COMMIT')
    await writing
    assert.equal(await read(stores[1]), 2)
  })
}

test(`of the log of changes only the newest ${CHANGES_KEPT} lines are kept`, async (t) => {
  const { stores, sql } = await twoStores(t)
  await furnish(stores[0])
  await sql(`
    INSERT INTO changes SELECT n, 'user', 'bob' FROM generate_series(1, ${CHANGES_KEPT}) AS n;
    UPDATE counters SET value = ${CHANGES_KEPT} WHERE name = 'changes'`)
  await stores[0].removeUser('alice', tagOf, 1) // two lines: the user, and the gateway
  const [oldest] = await stores[1].changesSince(0, 1)
  assert.deepEqual([oldest?.seq, (await stores[1].newestLines()).change], [3, CHANGES_KEPT + 2])
})

async function racers(t: TestContext, address: PostgresAddress): Promise<ChildProcess[]> {
  const { connection } = { connection: address.connection() }
  const url = `postgres://postgres:${connection.password?.()}@127.0.0.1:${address.port}/${address.database}`
  const children = [1, 2, 3].map(() => fork(join(import.meta.dirname, 'racing-process.ts'), [url]))
  t.after(() => {
    for (const child of children) child.kill()
  })
  await Promise.all(children.map((child) => once(child, 'message')))
  return children
}

test('of three processes that want one name, or one 2nd seed, one is first, and the others are told', async (t) => {
  const { stores, address, sql } = await twoStores(t)
  await furnish(stores[0])
  const children = await racers(t, address)
  for (let round = 0; round < 15; round++) {
    const name = `race-${round}`
    const answering = children.map((child) => once(child, 'message'))
    for (const child of children) child.send(name)
    const answers = (await Promise.all(answering)).map(([answer]) => answer)
    for (const what of ['user', 'gateway']) {
      const outcomes = answers.map((answer) => answer[what]).sort()
      assert.deepEqual(outcomes, ['STORE_DUPLICATE', 'STORE_DUPLICATE', 'first'], what)
    }
    assert.equal(new Set(answers.map(({ pneId }) => pneId)).size, 1, 'all are told the same PNE')
    assert.match(answers[0].pneId, new RegExp(`^${name}-\\d+$`))
  }
  const [rows] = await sql('SELECT (SELECT count(*) FROM keys) AS keys, (SELECT count(*) FROM pnes) AS pnes')
  assert.deepEqual([Number(rows?.['keys']), Number(rows?.['pnes'])], [15, 15])
})

test('of two servers that add a generation, a RADIUS prefix or a token of one name at once, one is refused', async (t) => {
  const { stores } = await twoStores(t)
  const { userId } = await furnish(stores[0])
  const token = { role: 'viewer', createdAt: 1, createdBy: 'local', expiresAt: null } as const
  for (let round = 2; round < 8; round++) {
    const outcomes = async (act: (store: Store, at: number) => Promise<unknown>) =>
      (await Promise.allSettled(stores.map(act)))
        .map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.code))
        .sort()
    const seed = { userId, generation: round, sealed: Buffer.of(1), createdAt: 1 }
    assert.deepEqual(await outcomes((store) => store.addFirstSeed(seed)), ['STORE_DUPLICATE', 'done'])
    const ap = { radius: `192.0.2.${round}/32`, userId, sealedSecret: Buffer.of(1), createdAt: 1 }
    const adding = await outcomes((store, at) => store.addGateway({ identity: `ap-${round}-${at}@example.org`, ...ap }))
    assert.deepEqual(adding, ['STORE_PREFIX_TAKEN', 'done'])
    const tokens = await outcomes((store, at) =>
      store.addToken({ id: `${round}-${at}`, name: `t-${round}`, hash: randomBytes(32), ...token }),
    )
    assert.deepEqual(tokens, ['STORE_DUPLICATE', 'done'])
  }
})

test('a change that was made for an older version is refused, whichever server was faster', async (t) => {
  const { stores } = await twoStores(t)
  await furnish(stores[0])
  for (let version = 1; version < 6; version++) {
    const changes = stores.map((store) => store.changeUserPolicy('alice', { sessionsMax: version }, version))
    const outcomes = (await Promise.allSettled(changes)).map((one) =>
      one.status === 'fulfilled' ? 'done' : one.reason.code,
    )
    assert.deepEqual(outcomes.sort(), ['STORE_CHANGED', 'done'])
  }
  assert.equal((await stores[0].findUser('alice'))?.version, 6)
})

test('no key of a retired generation works, whenever it was assigned or confirmed', async (t) => {
  const { stores, sql } = await twoStores(t)
  const { userId } = await furnish(stores[0])
  for (let generation = 1; generation < 8; generation++) {
    const pending = Array.from({ length: 6 }, () => newPne())
    for (const pne of pending.slice(3)) await stores[0].assignPne(pne)
    const seed = { userId, generation: generation + 1, sealed: Buffer.of(1), createdAt: 1 }
    await Promise.allSettled([
      ...pending.slice(0, 3).map((pne) => stores[0].assignPne(pne)),
      ...pending.slice(3).map((pne) => stores[1].confirmPne(pne.secondSeed, GATEWAY, 1)),
      stores[1]
        .addFirstSeed(seed)
        .then(() => stores[1].retireGeneration({ userId, generation, force: true, tagOf, at: 2 })),
    ])
  }
  const working = await sql(`
    SELECT 1 FROM keys k JOIN first_seeds s ON s.user_id = k.user_id AND s.generation = k.generation
    WHERE octet_length(s.sealed) = 0 AND k.state IN ('pending', 'active')`)
  assert.deepEqual(working, [])
})

test('nothing of a removed user works, whatever was under way', async (t) => {
  const { stores, sql } = await twoStores(t)
  await furnish(stores[0])
  const active = await Promise.all(Array.from({ length: 4 }, () => activePne(stores[0])))
  const reports = active.map(({ secondSeed }, at) => ({
    ...({ kind: 'began', sessionId: randomBytes(16), secondSeed, case: 'remote', at } as const),
  }))
  const [removal] = await Promise.all([
    stores[1].removeUser('alice', tagOf, 5),
    ...Array.from({ length: 6 }, () => stores[0].assignPne(newPne())),
    ...reports.map((report, at) =>
      stores[at % 2]?.countReports(OTHER_GATEWAY, at + 1, [report]).catch(() => undefined),
    ),
  ])
  assert.ok(removal)
  const left = await sql(`
    SELECT (SELECT count(*) FROM keys WHERE state <> 'revoked') AS keys,
           (SELECT count(*) FROM pnes WHERE state <> 'revoked') AS pnes, (SELECT count(*) FROM registrations) AS registered`)
  assert.deepEqual(left, [{ keys: '0', pnes: '0', registered: '0' }])
  const lines = await stores[0].revocationsSince(0, 100)
  const [{ keys } = {}] = await sql('SELECT count(*) AS keys FROM keys')
  assert.equal(lines.length, Number(keys), 'each key has a line')
})

test('what there is is counted right, however the changes fell together', async (t) => {
  const { stores, sql } = await twoStores(t)
  const { userId } = await furnish(stores[0])
  const store = (at: number) => stores[at % 2] as Store
  const pnes = Array.from({ length: 24 }, () => newPne({ createdAt: 1 }))
  await Promise.all(pnes.map((pne, at) => store(at).assignPne(pne)))
  await Promise.all(pnes.slice(0, 18).map((pne, at) => store(at).confirmPne(pne.secondSeed, GATEWAY, 2)))
  const began = { kind: 'began', case: 'remote', at: 3 } as const
  const reports = pnes.slice(0, 12).map(({ secondSeed }) => ({ ...began, sessionId: randomBytes(16), secondSeed }))
  await Promise.all([1, 2, 3].map((first, at) => store(at).countReports(OTHER_GATEWAY, 1, reports.slice(0, first * 4))))
  await Promise.all([
    ...pnes.slice(0, 6).map(({ pneId }, at) => store(at).revokePne(pneId, tagOf, 4)),
    ...pnes.slice(0, 6).map(({ pneId }, at) => store(at + 1).revokePne(pneId, tagOf, 4)),
    store(1).removePendingPnes(9),
    store(0).addGateway({
      identity: 'ap@example.org',
      radius: '192.0.2.1/32',
      userId,
      sealedSecret: Buffer.of(1),
      createdAt: 1,
    }),
    store(0).removeUser('bob', tagOf, 5),
  ])
  const [truth] = await sql(`
    SELECT (SELECT count(*) FROM users WHERE removed_at IS NULL)::int AS users,
           (SELECT count(*) FROM gateways WHERE revoked_at IS NULL AND radius IS NULL)::int AS cpns,
           (SELECT count(*) FROM gateways WHERE revoked_at IS NULL AND radius IS NOT NULL)::int AS radius,
           (SELECT count(*) FROM gateways WHERE revoked_at IS NOT NULL)::int AS gone,
           (SELECT count(*) FROM pnes WHERE state = 'pending')::int AS pending,
           (SELECT count(*) FROM pnes WHERE state = 'active')::int AS active,
           (SELECT count(*) FROM pnes WHERE state = 'revoked')::int AS revoked,
           (SELECT count(*) FROM registrations)::int AS registered`)
  const { users, gateways, pnes: counted, registered } = await stores[0].counts()
  const { cpns, radius, revoked: gone } = gateways
  assert.deepEqual({ users, cpns, radius, gone, ...counted, registered }, truth)
  assert.deepEqual([counted.active, counted.revoked, counted.pending], [12, 6, 0])
})

test('of look-ups that come together each gets its own answer', async (t) => {
  const { stores } = await twoStores(t)
  const { userId } = await furnish(stores[0])
  await stores[0].importPnes(
    Array.from({ length: 600 }, (_, at) =>
      newPne({ pneId: `pne-${at}`, secondSeed: tagOf(Buffer.of(at >> 8, at & 255)) }),
    ),
  )
  const found = await Promise.all(
    Array.from({ length: 1300 }, (_, at) => stores[0].findPneBySecondSeed(tagOf(Buffer.of(at >> 8, at & 255)))),
  )
  assert.deepEqual(
    found.map((key) => key?.pneId),
    Array.from({ length: 1300 }, (_, at) => (at < 600 ? `pne-${at}` : undefined)),
  )
  await stores[0].changeVisitors(OTHER_GATEWAY, false)
  const asked = [GATEWAY, OTHER_GATEWAY, 'none@example.org', GATEWAY]
  const admissions = await Promise.all(asked.map((gateway) => stores[0].findAdmission(userId, gateway)))
  assert.deepEqual(
    admissions.map((admission) => admission?.visitors),
    [true, false, undefined, true],
  )
})

test('two transactions in each other’s way are begun again until both are made', async (t) => {
  const { address, sql } = await twoStores(t)
  const database = new Database(address)
  t.after(() => database.close())
  await sql("INSERT INTO counters VALUES ('a', 0), ('b', 0)")
  const add = { name: 'add', text: 'UPDATE counters SET value = value + 1 WHERE name = $1' }
  let attempts = 0
  const both = Promise.withResolvers<void>()
  const transfer = (first: string, second: string) =>
    database.transaction('once', async (transaction) => {
      await transaction.run(add, [first])
      attempts++
      if (attempts === 2) both.resolve()
      await both.promise
      await transaction.run(add, [second])
    })
  await Promise.all([transfer('a', 'b'), transfer('b', 'a')])
  assert.ok(attempts > 2, `${attempts} attempts`)
  const rows = await sql("SELECT value FROM counters WHERE name IN ('a', 'b')")
  assert.deepEqual(rows, [{ value: '2' }, { value: '2' }])
})

test('a transaction that is always in the way is given up as busy', async (t) => {
  const { address, sql } = await twoStores(t)
  const database = new Database(address)
  t.after(() => database.close())
  let attempts = 0
  const conflicting = database.transaction('once', async (transaction) => {
    attempts++
    const raise = "DO $$ BEGIN RAISE EXCEPTION 'alice' USING ERRCODE = '40001'; END $$"
    await transaction.run({ name: '', text: raise })
  })
  await assert.rejects(conflicting, { code: 'STORE_BUSY', message: 'others change the same rows: try again' })
  assert.equal(attempts, 6)
  assert.equal((await sql('SELECT 1')).length, 1)
})

test('of assignments that come together each gets its own answer', async (t) => {
  const { stores, sql } = await twoStores(t)
  const [store] = stores
  await furnish(store)
  const known = newPne({ pneId: 'pne-known' })
  await store.assignPne(known)
  const [same, second] = [newPne({ name: 'Porch lamp' }), newPne({ gateway: OTHER_GATEWAY })]
  const assigned = await Promise.all([
    store.assignPne({ ...same, gateway: 'none@example.org' }),
    store.assignPne(same),
    store.assignPne({ ...same, pneId: 'pne-later', gateway: OTHER_GATEWAY }),
    store.assignPne({ ...known, pneId: 'pne-later' }),
    store.assignPne(second),
  ])
  assert.deepEqual(
    assigned.map((key) => key && [key.pneId, key.gateway]),
    [undefined, [same.pneId, GATEWAY], [same.pneId, GATEWAY], ['pne-known', GATEWAY], [second.pneId, OTHER_GATEWAY]],
  )
  assert.deepEqual((await store.counts()).pnes, { pending: 3, active: 0, revoked: 0 })
  assert.deepEqual(
    (await store.listPnes({ query: 'por' }, { limit: 2 })).items.map(({ pneId }) => pneId),
    [same.pneId],
  )
  assert.equal((await sql('SELECT 1 FROM pnes')).length, 3)
})

test('of assignments that come together one that is refused spoils no other', async (t) => {
  const { stores } = await twoStores(t)
  const [store] = stores
  await furnish(store)
  await store.assignPne(newPne({ pneId: 'pne-taken' }))
  const wanted = ['pne-a', 'pne-taken', 'pne-b'].map((pneId) => store.assignPne(newPne({ pneId })))
  const outcomes = await Promise.allSettled(wanted)
  const told = outcomes.map((one) => (one.status === 'fulfilled' ? one.value?.pneId : one.reason.code))
  assert.deepEqual(told, ['pne-a', 'STORE_DUPLICATE', 'pne-b'])
  assert.equal((await store.counts()).pnes.pending, 3)
})

test('of confirmations that come together each gateway confirms its own, once', async (t) => {
  const { stores } = await twoStores(t)
  const [store] = stores
  await furnish(store)
  const [mine, theirs] = [newPne(), newPne({ gateway: OTHER_GATEWAY })]
  await Promise.all([mine, theirs].map((pne) => store.assignPne(pne)))
  const answers = await Promise.all([
    store.confirmPne(mine.secondSeed, GATEWAY, 20),
    store.confirmPne(mine.secondSeed, GATEWAY, 20),
    store.confirmPne(theirs.secondSeed, GATEWAY, 20),
    store.confirmPne(randomBytes(32), GATEWAY, 20),
  ])
  assert.deepEqual(
    answers.map((key) => key && [key.pneId, key.state, key.confirmedAt]),
    [[mine.pneId, 'active', 20], [mine.pneId, 'active', 20], [theirs.pneId, 'pending', null], undefined],
  )
  assert.deepEqual((await store.counts()).pnes, { pending: 1, active: 1, revoked: 0 })
})

test('while a user is being changed for long, PNEs of others are assigned all the same', async (t) => {
  const { stores, sql } = await twoStores(t)
  const [store] = stores
  await furnish(store)
  await sql("BEGIN; SELECT 1 FROM users WHERE name = 'bob' FOR NO KEY UPDATE")
  const [own, other] = [store.assignPne(newPne({ gateway: OTHER_GATEWAY })), store.assignPne(newPne())]
  let answered = false
  own.finally(() => {
    answered = true
  })
  assert.equal((await other)?.gateway, GATEWAY)
  assert.equal(answered, false)
  await sql('COMMIT')
  assert.equal((await own)?.gateway, OTHER_GATEWAY)
})
