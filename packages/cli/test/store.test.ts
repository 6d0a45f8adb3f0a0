// A server with its store in PostgreSQL: made, run, moved there from SQLite, and what is said when the database is not there.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type Postgres, startPostgres } from '../../../test/support/postgres.ts'
import { assertError, firstDocument, opencpns, start, stop, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
let postgres: Postgres

before(async () => {
  postgres = await startPostgres()
})
after(async () => {
  await postgres.stop()
  folder.remove()
})

/** A file for --store-file. */
function fileOf(name: string, text: string, mode = 0o600): string {
  const file = folder.path(name)
  writeFileSync(file, `${text}\n`)
  chmodSync(file, mode)
  return file
}

const anyPorts = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']

test('a server is made and run with its store in PostgreSQL, and will not run without', {
  timeout: 60_000,
}, async () => {
  const data = folder.path('server')
  const store = fileOf('store', await postgres.createDatabase())
  const made = await opencpns('server', 'init', '--data', data, '--realm', 'example.org', '--store-file', store)
  assert.deepEqual([made.code, made.stderr], [0, ''])
  assertError(
    await opencpns('server', 'run', '--data', data, ...anyPorts),
    5,
    /the store of .* is a PostgreSQL database: give it with --store/,
  )

  const server = start(
    'server',
    'run',
    '--data',
    data,
    '--store-file',
    store,
    ...anyPorts,
    '--json',
    '--log-level',
    'warn',
  )
  try {
    await firstDocument(server)
    assert.equal((await opencpns('admin', 'user', 'add', 'alice', '--data', data)).code, 0)
    assert.match((await opencpns('admin', 'user', 'list', '--data', data)).stdout, /alice/)
  } finally {
    assert.equal(await stop(server), 0)
  }
})

test('a store is moved to PostgreSQL, and the server serves from there', { timeout: 60_000 }, async () => {
  const data = folder.path('moved')
  await opencpns('server', 'init', '--data', data, '--realm', 'example.org')
  const before = start('server', 'run', '--data', data, ...anyPorts, '--json', '--log-level', 'warn')
  await firstDocument(before)
  await opencpns('admin', 'user', 'add', 'alice', '--data', data)
  const url = await postgres.createDatabase()
  const move = ['server', 'migrate', '--from', `sqlite:${data}/cpns.db`, '--to-file', fileOf('to', url), '--data', data]
  assertError(await opencpns(...move), 5, /a server runs in/)
  await stop(before)

  const { code, stdout, stderr } = await opencpns(...move, '--json')
  assert.deepEqual([code, stderr], [0, ''])
  const report = JSON.parse(stdout)
  assert.deepEqual(Object.keys(report).sort(), ['resumed', 'rows', 'seconds', 'tables'])
  assert.equal(report.tables.find(({ name }: { name: string }) => name === 'users').rows, 1)
  assertError(await opencpns('server', 'run', '--data', data, ...anyPorts), 5, /give it with --store/)
  const after = start('server', 'run', '--data', data, '--store', url, ...anyPorts, '--json', '--log-level', 'warn')
  await firstDocument(after)
  assert.match((await opencpns('admin', 'user', 'list', '--data', data)).stdout, /alice/)
  await stop(after)
})

test('a database that is away, or does not let the server in, is named without its password', {
  timeout: 60_000,
}, async () => {
  const data = folder.path('away')
  const init = (...store: string[]) => opencpns('server', 'init', '--data', data, '--realm', 'example.org', ...store)
  const away = await init('--store-file', fileOf('away-store', 'postgres://cpns:s3cret@127.0.0.1:1/cpns'))
  assertError(
    away,
    4,
    /no database answers at postgres:\/\/cpns@127\.0\.0\.1:1\/cpns \(.*ECONNREFUSED.*\): start it, or check --store/,
  )
  const wrong = `postgres://postgres:s3cret@127.0.0.1:${postgres.port}/postgres`
  const refused = await init('--store-file', fileOf('wrong-store', wrong))
  assertError(refused, 5, /does not let this server in: check user, password/)
  for (const { stderr } of [away, refused]) assert.ok(!stderr.includes('s3cret'))

  const shown = await init('--store', wrong)
  assert.match(shown.stderr, /others on this machine see the password in the list of processes: use --store-file/)
  assert.ok(!shown.stderr.includes('s3cret'))
})

test('where the store is must be said once, rightly, and in a file that only its owner reads', async () => {
  const init = (...store: string[]) =>
    opencpns('server', 'init', '--data', folder.path('x'), '--realm', 'example.org', ...store)
  assertError(
    await init('--store', 'sqlite', '--store-file', fileOf('any', 'sqlite')),
    2,
    /give either --store or --store-file/,
  )
  assertError(await init('--store', 'mysql://h/d'), 2, /a store is sqlite, or postgres:\/\//)
  assertError(await init('--store-file', fileOf('open', 'sqlite', 0o644)), 5, /others may read it: run chmod 600/)
  assertError(await init('--store-file', folder.path('none')), 5, /check its name and permissions/)
  assertError(await opencpns('server', 'migrate', '--from', 'sqlite:x.db'), 2, /give --to or --to-file/)
  assertError(
    await opencpns('server', 'migrate', '--from', 'x.db', '--to', 'postgres:///d'),
    2,
    /a store is moved from sqlite:FILE/,
  )
  assertError(
    await opencpns('server', 'migrate', '--from', 'sqlite:x.db', '--to', 'postgres:///d'),
    4,
    /x\.db is not there/,
  )
})
