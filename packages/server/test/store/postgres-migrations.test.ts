// The schema in PostgreSQL: made once, by whoever comes first, whatever becomes of them; never on somebody else's database.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Postgres, startPostgres } from '../../../../test/support/postgres.ts'
import { initDataFolder, openDataFolder } from '../../src/index.ts'
import type { Store } from '../../src/store/contract.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'
import { steps } from '../../src/store/postgres/schema.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { addUser } from './furnish.ts'

let postgres: Postgres

before(async () => {
  postgres = await startPostgres()
})
after(() => postgres.stop())

async function emptyDatabase() {
  const url = await postgres.createDatabase()
  const address = new PostgresAddress(url)
  return { url, address, sql: (text: string) => postgres.sql(address.database, text) }
}

function opening(t: TestContext, url: string) {
  const child = fork(join(import.meta.dirname, 'opening-process.ts'), [url], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  t.after(() => child.kill())
  return child
}

/** Tables, columns, indexes and constraints: two databases with the same are of the same schema. */
async function shape(sql: (text: string) => Promise<unknown[]>) {
  return [
    await sql(`SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns
               WHERE table_schema = 'public' ORDER BY 1, 2`),
    await sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
    await sql(`SELECT pg_get_constraintdef(oid) AS def, conrelid::regclass::text AS of FROM pg_constraint
               WHERE connamespace = 'public'::regnamespace ORDER BY 2, 1`),
  ]
}

test('three processes that open a new database at once make its tables once, and all serve', {
  timeout: 60_000,
}, async (t) => {
  const { url, address, sql } = await emptyDatabase()
  const children = [1, 2, 3].map(() => opening(t, url))
  const answers = await Promise.all(children.map((child) => once(child, 'message')))
  assert.deepEqual(
    answers.flat(),
    [0, 0, 0].flatMap((seq) => [seq, undefined]),
  )
  assert.deepEqual(await sql('SELECT version FROM opencpns'), [{ version: steps.length }])
  const alone = await emptyDatabase()
  await (await openPostgres(alone.address)).close()
  assert.deepEqual(await shape(sql), await shape(alone.sql))
  const store = await openPostgres(address)
  assert.equal((await addUser(store, 'alice')).name, 'alice')
  await store.close()
})

test('a process that is killed while it makes the tables leaves nothing that the next one stumbles over', {
  timeout: 60_000,
}, async (t) => {
  const { url, address, sql } = await emptyDatabase()
  for (let round = 0; round < 4; round++) {
    const child = opening(t, url)
    for (let tables = 0; tables === 0 && child.exitCode === null; ) {
      const [found] = await sql(
        `SELECT count(*)::int AS n FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND database IS NOT NULL`,
      )
      tables = Number(found?.['n'])
      if (tables === 0 && (await sql("SELECT 1 FROM pg_tables WHERE tablename = 'links'")).length > 0) break
    }
    await sleep(round * 3)
    child.kill('SIGKILL')
    await once(child, 'exit')
    if ((await sql("SELECT 1 FROM pg_tables WHERE tablename = 'links'")).length > 0) break
  }
  const store = await openPostgres(address)
  assert.equal((await addUser(store, 'alice')).name, 'alice')
  await store.close()
  assert.deepEqual(await sql('SELECT version FROM opencpns'), [{ version: steps.length }])
})

test('every step can be made twice without harm, as on a database that takes no table in a transaction', async () => {
  const [once, twice] = [await emptyDatabase(), await emptyDatabase()]
  for (const { address } of [once, twice]) await (await openPostgres(address)).close()
  const store = await openPostgres(twice.address)
  await addUser(store, 'alice')
  await store.close()
  await twice.sql('UPDATE opencpns SET version = 0')
  const again = await openPostgres(twice.address)
  assert.equal((await again.findUser('alice'))?.name, 'alice')
  await again.close()
  assert.deepEqual(await shape(twice.sql), await shape(once.sql))
  assert.deepEqual(await twice.sql('SELECT version FROM opencpns'), [{ version: steps.length }])
})

test('a database of each released schema is brought up to date with all that it holds', async () => {
  const files = globSync('postgres-schema-*.sql', { cwd: import.meta.dirname }).sort()
  assert.equal(files.length, steps.length)
  const fresh = await emptyDatabase()
  await (await openPostgres(fresh.address)).close()
  for (const file of files) {
    const { address, sql } = await emptyDatabase()
    await sql(readFileSync(join(import.meta.dirname, file), 'utf8'))
    const store = await openPostgres(address)
    assert.equal((await store.findPneBySecondSeed(Buffer.alloc(32)))?.pneId, 'pne-a', file)
    const { items } = await store.listPnes({}, { limit: 10 })
    assert.deepEqual(
      items.map(({ pneId, state, name }) => [pneId, state, name]),
      [
        ['pne-c', 'revoked', null],
        ['pne-b', 'pending', null],
        ['pne-a', 'active', 'watch'],
      ],
    )
    const lines = await store.revocationsSince(0, 10)
    assert.deepEqual(
      lines.map(({ seq, pneId }) => [seq, pneId]),
      [[4, 'pne-c']],
    )
    assert.equal((await store.revokePne('pne-a', (seed) => seed, 9))?.seq, 5)
    assert.deepEqual((await store.counts()).pnes, { pending: 1, active: 0, revoked: 2 })
    await store.close()
    assert.deepEqual(await shape(sql), await shape(fresh.sql), file)
  }
})

test('a database of a newer version is refused and left as it is', async () => {
  const { address, sql } = await emptyDatabase()
  await (await openPostgres(address)).close()
  await sql('UPDATE opencpns SET version = 999; DROP TABLE links')
  await assert.rejects(openPostgres(address), { code: 'STORE_NEWER', message: /schema 999/ })
  assert.deepEqual(
    await sql("SELECT version, (SELECT count(*)::int FROM pg_tables WHERE tablename = 'links') AS links FROM opencpns"),
    [{ version: 999, links: 0 }],
  )
})

test("another program's database is refused and left as it is", async () => {
  const { address, sql } = await emptyDatabase()
  await sql('CREATE TABLE recipes (name text)')
  await assert.rejects(openPostgres(address), { code: 'STORE_NOT_OURS' })
  assert.deepEqual(await sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"), [{ tablename: 'recipes' }])
})

test('a database that cannot keep every name is refused', async () => {
  await postgres.sql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
  const address = new PostgresAddress(`postgres://postgres:${postgres.password}@127.0.0.1:${postgres.port}/latin`)
  await assert.rejects(openPostgres(address), { code: 'STORE_REFUSED', message: /ENCODING 'UTF8'/ })
})

test('a user that may make no tables is refused with advice, and serves once another has made them', async () => {
  const { address, sql } = await emptyDatabase()
  await sql("CREATE ROLE humble LOGIN PASSWORD 'x'; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
  const humble = new PostgresAddress(`postgres://humble:x@127.0.0.1:${postgres.port}/${address.database}`)
  await assert.rejects(openPostgres(humble), { code: 'STORE_REFUSED', message: /its rights/ })
  await (await openPostgres(address)).close()
  await sql('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO humble')
  await sql('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO humble')
  const store = await openPostgres(humble)
  assert.equal((await addUser(store, 'alice')).name, 'alice')
  await store.close()
})

test('a further server takes the same database with the same master key, and none with another', {
  timeout: 60_000,
}, async (t) => {
  const { url } = await emptyDatabase()
  const [one, other, stranger] = ['one', 'other', 'stranger'].map((name) => join(temporaryFolder(t), name)) as [
    string,
    string,
    string,
  ]
  const of = { realm: 'example.org', store: url }
  await initDataFolder(one, of)
  await mkdir(other, { mode: 0o700 })
  await copyFile(join(one, 'master.key'), join(other, 'master.key'))
  await initDataFolder(other, of)
  await assert.rejects(initDataFolder(stranger, of), { code: 'MASTER_KEY_WRONG' })
  await assert.rejects(openDataFolder(stranger, { store: url }), { code: 'DATA_FOLDER_MISSING' })

  const servers = [await openDataFolder(one, { store: url }), await openDataFolder(other, { store: url })]
  await addUser(servers[0]?.store as Store, 'alice')
  assert.equal((await servers[1]?.store.findUser('alice'))?.name, 'alice')
  for (const { store, release } of servers) {
    await store.close()
    release()
  }
  await assert.rejects(openDataFolder(one), { code: 'DATA_FOLDER_STORE_ELSEWHERE' })
  await assert.rejects(openDataFolder(one, { store: 'sqlite' }), { code: 'DATA_FOLDER_STORE_ELSEWHERE' })
})

test('a new data folder may still choose, and one whose SQLite store is in use may not', {
  timeout: 60_000,
}, async (t) => {
  const [fresh, used] = [join(temporaryFolder(t), 'fresh'), join(temporaryFolder(t), 'used')]
  for (const dir of [fresh, used]) await initDataFolder(dir, { realm: 'example.org' })
  const before = await openDataFolder(used)
  await addUser(before.store, 'alice')
  await before.store.close()
  before.release()
  const { url } = await emptyDatabase()
  await assert.rejects(openDataFolder(used, { store: url }), {
    code: 'DATA_FOLDER_STORE_ELSEWHERE',
    message: /server migrate/,
  })
  await assert.rejects(openDataFolder(fresh, { store: 'postgres://u@127.0.0.1:1/d' }), { code: 'STORE_UNREACHABLE' })
  const sqlite = await openDataFolder(fresh)
  await sqlite.store.close()
  sqlite.release()
  const chosen = await openDataFolder(fresh, { store: url })
  await chosen.store.close()
  chosen.release()
  await assert.rejects(openDataFolder(fresh), { code: 'DATA_FOLDER_STORE_ELSEWHERE' })
})
