// What becomes of the PostgreSQL store when the database, or the way to it, fails: each call ends in bounded time, tells what
// to do and no value of a row, loses nothing that was answered, and works again as soon as the database does.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { type Postgres, startPostgres } from '../../../../test/support/postgres.ts'
import { until } from '../../../../test/support/until.ts'
import { wireTo } from '../../../../test/support/wire.ts'
import { StoreError } from '../../src/store/contract.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { Database } from '../../src/store/postgres/database.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'
import { PostgresStore } from '../../src/store/postgres/store.ts'
import { addUser, furnish, GATEWAY, newEvent, newPne } from './furnish.ts'

/** Above every bound of the store on how long it tries. */
const BOUNDED = { timeout: 30_000 }

let postgres: Postgres
let template: string

before(async () => {
  postgres = await startPostgres()
  const address = new PostgresAddress(await postgres.createDatabase())
  await (await openPostgres(address)).close()
  template = address.database
})
after(() => postgres.stop())

type Deadlines = NonNullable<NonNullable<ConstructorParameters<typeof Database>[1]>['deadlines']>

/** A store on a database of its own, by way of a wire. */
async function wired(t: TestContext, deadlines: Deadlines = {}, parameters = '') {
  const wire = await wireTo({ host: '127.0.0.1', port: postgres.port })
  const url = await postgres.createDatabase(template)
  const direct = new PostgresAddress(url)
  const address = new PostgresAddress(`${url.replace(`:${postgres.port}/`, `:${wire.address.port}/`)}${parameters}`)
  const database = new Database(address, { deadlines })
  const store = new PostgresStore(database)
  t.after(async () => {
    await wire.close()
    await store.close()
  })
  const sql = (text: string) => postgres.sql(direct.database, text)
  return { wire, database, store, sql, address, name: direct.database }
}

const busy = { code: 'STORE_BUSY' }

/** As it goes over the wire; READ COMMITTED is another thing. */
const COMMIT = 'COMMIT\0'

/** How long it took to end, whichever way, in ms. */
async function timeOf(act: Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act.catch(() => undefined)
  return performance.now() - begun
}

test(
  'killed in the middle of everything, the database loses nothing that was answered, and all goes on with it',
  BOUNDED,
  async (t) => {
    const { store } = await wired(t)
    await furnish(store)
    const answered: Uint8Array[] = []
    const codes = new Set<string>()
    let going = true
    const pairing = Array.from({ length: 8 }, async () => {
      while (going) {
        const pne = newPne()
        try {
          await store.assignPne(pne)
          await store.confirmPne(pne.secondSeed, GATEWAY, 2)
          answered.push(pne.secondSeed)
        } catch (error) {
          codes.add((error as StoreError).code)
          await sleep(20)
        }
      }
    })
    for (let round = 0; round < 2; round++) {
      const before = answered.length
      while (answered.length < before + 20) await sleep(5)
      await postgres.kill()
      await assert.rejects(store.findUser('alice'), busy)
      await postgres.start()
      assert.equal((await store.findUser('alice').catch(() => store.findUser('alice')))?.name, 'alice')
    }
    going = false
    await Promise.all(pairing)
    for (const secondSeed of answered) assert.equal((await store.findPneBySecondSeed(secondSeed))?.state, 'active')
    assert.deepEqual(
      [...codes].filter((code) => code !== 'STORE_BUSY'),
      [],
    )
    const { pnes } = await store.counts()
    assert.ok(pnes.active >= answered.length)
  },
)

test(
  'while the database is away each call is refused in bounded time, and nobody has to do anything when it is back',
  BOUNDED,
  async (t) => {
    const { wire, store } = await wired(t)
    await furnish(store)
    wire.cut()
    const calls = [
      () => store.findUser('alice'),
      () => store.findPneBySecondSeed(randomBytes(32)),
      () => store.addUser({ name: 'carol', sealedFirstSeed: Buffer.of(1), createdAt: 1 }),
      () => store.appendEvents([newEvent({})], 10),
      () => store.countReports(GATEWAY, 1, []),
    ]
    const took = await Promise.all(
      calls.map(async (call) => {
        const calling = call()
        await assert.rejects(calling, busy)
        return timeOf(calling)
      }),
    )
    assert.ok(Math.max(...took) < 5000)
    wire.mend()
    assert.equal((await store.findUser('alice'))?.name, 'alice')
    assert.equal((await addUser(store, 'carol')).name, 'carol')
  },
)

test(
  'a connection that is lost over a commit: what may be done twice is, what may not is told to be unknown',
  BOUNDED,
  async (t) => {
    const { wire, store } = await wired(t)
    await furnish(store)
    const pne = newPne()
    await store.assignPne(pne)

    wire.cutAt(COMMIT)
    const confirming = store.confirmPne(pne.secondSeed, GATEWAY, 2)
    await sleep(150)
    wire.mend()
    assert.equal((await confirming)?.state, 'active')

    wire.cutAt(COMMIT)
    await assert.rejects(addUser(store, 'carol'), { code: 'STORE_BUSY', message: /look whether the change was made/ })
    wire.mend()
    assert.equal(await store.findUser('carol'), undefined)
    assert.equal((await addUser(store, 'carol')).name, 'carol')
  },
)

test('a connection that is lost before the commit: the change is made on another one', BOUNDED, async (t) => {
  const { wire, store } = await wired(t)
  wire.cutAt('INSERT INTO users')
  const adding = addUser(store, 'alice')
  await sleep(150)
  wire.mend()
  assert.equal((await adding).name, 'alice')
  assert.equal((await store.counts()).users, 1)
})

test('connections that the database ended while they were idle are not noticed by anybody', BOUNDED, async (t) => {
  const { store, name } = await wired(t)
  await furnish(store)
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'opencpns'`
  for (let round = 0; round < 5; round++) {
    await Promise.all([store.findUser('alice'), store.findUser('bob'), store.counts()])
    await postgres.sql('postgres', end)
    assert.equal((await addUser(store, `user-${round}`)).name, `user-${round}`)
  }
})

test(
  'when the wire goes silent each call ends by its deadline, and the next one finds another way',
  BOUNDED,
  async (t) => {
    const { wire, store } = await wired(t, { connectMs: 300, answerMs: 300 })
    await furnish(store)
    wire.silence()
    assert.ok((await timeOf(assert.rejects(store.findUser('alice'), busy))) < 5000)
    wire.mend()
    assert.equal((await store.findUser('alice'))?.name, 'alice')
  },
)

test(
  'of more calls than there is room for, some wait until their deadline, the rest are refused at once',
  BOUNDED,
  async (t) => {
    const { database, store } = await wired(t, { connectMs: 400, waitingMax: 3 }, '?connections=2')
    const hold = Promise.withResolvers<void>()
    const holding = [1, 2].map(() =>
      database.transaction('once', async ({ run }) => {
        await run(select)
        await hold.promise
      }),
    )
    await sleep(100)
    const waiting = [1, 2, 3].map(() => store.findUser('alice'))
    const refused = store.findUser('alice')
    assert.ok((await timeOf(assert.rejects(refused, { code: 'STORE_BUSY', message: /too much waits/ }))) < 300)
    await Promise.all(waiting.map((call) => assert.rejects(call, busy)))
    hold.resolve()
    await Promise.all(holding)
    assert.equal(await store.findUser('alice'), undefined)
  },
)

const select = { name: '', text: 'SELECT 1' }

test(
  'a statement, and a wait for a row, end by the deadline of the database, and the connection serves on',
  BOUNDED,
  async (t) => {
    const { database, store, sql } = await wired(t, { statementMs: 200, lockMs: 100 }, '?connections=1')
    await furnish(store)
    const pid = { name: '', text: 'SELECT pg_backend_pid() AS pid' }
    const before = await database.reads.first(pid)
    await assert.rejects(database.reads.all({ name: '', text: 'SELECT pg_sleep(20)' }), busy)
    await sql("BEGIN; SELECT 1 FROM users WHERE name = 'alice' FOR UPDATE")
    await assert.rejects(store.changeUserPolicy('alice', { roaming: 'none' }), ({ code, cause }) => {
      assert.deepEqual([code, cause.code], ['STORE_BUSY', '55P03'], 'the wait for the row ended, not the statement')
      return true
    })
    await sql('ROLLBACK')
    assert.equal((await store.changeUserPolicy('alice', { roaming: 'none' }))?.roaming, 'none')
    assert.deepEqual(await database.reads.first(pid), before)
  },
)

test('when the database takes no more connections the call is refused as busy', BOUNDED, async (t) => {
  const { address, sql, name } = await wired(t)
  await sql(
    'CREATE ROLE cpns LOGIN PASSWORD $$x$$ CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO cpns',
  )
  t.after(() => sql('DROP OWNED BY cpns; DROP ROLE cpns'))
  const one = new Database(new PostgresAddress(`postgres://cpns:x@127.0.0.1:${address.port}/${name}`))
  t.after(() => one.close())
  const call = () => one.reads.all({ name: '', text: 'SELECT pg_sleep(3)' })
  // PostgreSQL refuses all of those that come at the same moment: the first must be in before the others come.
  const first = call()
  await until(async () => (await sql("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3)'")).length > 0)
  const outcomes = await Promise.allSettled([first, call(), call()])
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.deepEqual([refused.length, ...new Set(refused.map(({ reason }) => reason.code))], [2, 'STORE_BUSY'])
})

test('a database that has become a standby is left for the one that took its place', BOUNDED, async (t) => {
  const { store, sql, name } = await wired(t)
  await furnish(store)
  await sql(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'opencpns'`
  await sql(end)
  await assert.rejects(addUser(store, 'carol'), busy)
  assert.equal((await store.findUser('alice'))?.name, 'alice')
  await sql(`SET default_transaction_read_only = off; ALTER DATABASE ${name} RESET default_transaction_read_only`)
  assert.equal((await addUser(store, 'carol')).name, 'carol')
})

test('statements that were prepared for a table before it was changed are prepared anew', BOUNDED, async (t) => {
  const { store, sql } = await wired(t)
  assert.deepEqual([...(await store.claim('a', Buffer.of(1)))], [1])
  await sql('ALTER TABLE claims ADD COLUMN more text; ALTER TABLE users ALTER COLUMN version TYPE integer')
  await addUser(store, 'alice')
  await sql('ALTER TABLE users ALTER COLUMN version TYPE bigint')
  assert.equal((await store.findUser('alice'))?.version, 1)
})

test('a commit waits for the disk, whatever is the custom of the database, unless it waits for more', async (t) => {
  const { database, sql, name } = await wired(t)
  const show = { name: '', text: 'SHOW synchronous_commit' }
  for (const [custom, ours] of [
    ['off', 'on'],
    ['local', 'on'],
    ['remote_write', 'on'],
    ['on', 'on'],
    ['remote_apply', 'remote_apply'],
  ] as const) {
    await sql(`ALTER DATABASE ${name} SET synchronous_commit = ${custom}`)
    const other = new Database(database.address)
    assert.deepEqual(await other.reads.first(show), { synchronous_commit: ours }, custom)
    await other.close()
  }
})

test('what the database reports comes as a code that says what to do, without any value of a row', async (t) => {
  const { database, store } = await wired(t)
  const raise = (state: string) =>
    database.reads.run({
      name: '',
      text: `DO $$ BEGIN RAISE EXCEPTION 'alice %', 'x' USING ERRCODE = '${state}', DETAIL = 'Key (name)=(alice)', HINT = 'alice'; END $$`,
    })
  const expected = { '53100': 'STORE_FULL', '53300': 'STORE_BUSY', '23505': 'STORE_DUPLICATE', XX001: 'STORE_CORRUPT' }
  const more = { '42501': 'STORE_REFUSED', '22012': 'STORE_FAILED', '23514': 'STORE_FAILED', '58030': 'STORE_FAILED' }
  const states = {
    ...expected,
    ...more,
    '57014': 'STORE_BUSY',
    '40001': 'STORE_BUSY',
    '57P01': 'STORE_BUSY',
    '55P03': 'STORE_BUSY',
  }
  for (const [state, code] of Object.entries(states)) await assert.rejects(raise(state), telling(code, state))

  await addUser(store, 'alice')
  await assert.rejects(addUser(store, 'alice'), telling('STORE_DUPLICATE', 'users_name_key'))
  const { id: userId } = (await store.findUser('alice')) ?? { id: 0 }
  const wrong = {
    identity: 'alice@example.org',
    radius: null,
    userId,
    createdAt: Number.NaN,
    sealedSecret: Buffer.from('alice'),
  }
  await assert.rejects(store.addGateway(wrong), telling('STORE_FAILED', 'SQLSTATE 22P02'))
})

function telling(code: string, what: string) {
  return (error: unknown) => {
    assert.ok(error instanceof StoreError && error.code === code, `${what}: ${inspect(error)}`)
    const text = inspect(error, { depth: 9, showHidden: true })
    assert.ok(text.includes(what), text)
    assert.ok(!/alice(?!\.)/.test(text.replaceAll(/at .*/g, '')), text)
    return true
  }
}

test('a database that cannot be opened says why, and what to look at, without the password', BOUNDED, async (t) => {
  const { wire, name } = await wired(t)
  const at = (text: string) => new PostgresAddress(text)
  const where = `127.0.0.1:${postgres.port}`
  const { password } = postgres
  wire.cut()
  const cases: [string, string, RegExp][] = [
    [`postgres://postgres:wrong-password@${where}/${name}`, 'STORE_REFUSED', /check user, password/],
    [`postgres://postgres@${where}/${name}`, 'STORE_REFUSED', /wants a password/],
    [`postgres://nobody:${password}@${where}/${name}`, 'STORE_REFUSED', /check user, password/],
    [`postgres://postgres:${password}@${where}/nowhere`, 'STORE_REFUSED', /check user, password, database/],
    [
      `postgres://postgres:${password}@127.0.0.1:1/${name}`,
      'STORE_UNREACHABLE',
      /no database answers .*127\.0\.0\.1:1\/.*ECONNREFUSED.*start it, or check --store/,
    ],
    [
      `postgres://postgres:${password}@127.0.0.1:${wire.address.port}/${name}`,
      'STORE_UNREACHABLE',
      /no database answers/,
    ],
    [`postgres://postgres:${password}@nowhere.invalid/${name}`, 'STORE_UNREACHABLE', /no database answers/],
    [`postgres://postgres:${password}@${where}/${name}?sslmode=require`, 'STORE_UNREACHABLE', /SSL/],
  ]
  for (const [url, code, message] of cases) {
    await assert.rejects(openPostgres(at(url)), (error) => {
      assert.ok(error instanceof StoreError, inspect(error))
      assert.deepEqual([error.code, message.test(error.message)], [code, true], `${code}: ${error.message}`)
      assert.ok(
        !inspect(error, { depth: 9 }).includes(password) && !inspect(error, { depth: 9 }).includes('wrong-password'),
      )
      return true
    })
  }
})

test('a store that is closed in the middle finishes what was begun and refuses the rest', BOUNDED, async (t) => {
  const { store, sql } = await wired(t)
  const adding = Array.from({ length: 20 }, (_, at) => addUser(store, `user-${at}`))
  await store.close()
  assert.equal((await Promise.all(adding)).length, 20)
  assert.equal((await sql('SELECT 1 FROM users')).length, 20)
  for (const call of [
    () => store.findUser('alice'),
    () => addUser(store, 'alice'),
    () => store.findPneBySecondSeed(randomBytes(32)),
  ]) {
    await assert.rejects(call(), { code: 'STORE_CLOSED' })
  }
  await store.close()
})
