// Messages between servers by LISTEN and NOTIFY, and TLS to the database: what goes over connections of their own.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Postgres, startPostgres } from '../../../../test/support/postgres.ts'
import { until } from '../../../../test/support/until.ts'
import { wireTo } from '../../../../test/support/wire.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { Database } from '../../src/store/postgres/database.ts'
import { NOTIFICATION_MAX_OCTETS, PgNotifications } from '../../src/store/postgres/notifications.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'
import { temporaryFolder } from '../temp-folder.ts'

let postgres: Postgres
let database: string

before(async () => {
  postgres = await startPostgres()
  database = new PostgresAddress(await postgres.createDatabase()).database
})
after(() => postgres.stop())

function addressBy(port: number): PostgresAddress {
  return new PostgresAddress(`postgres://postgres:${postgres.password}@127.0.0.1:${port}/${database}`)
}

function listener(t: TestContext, port = postgres.port, deadlines = {}) {
  const heard: string[] = []
  const states: string[] = []
  const notifications = new PgNotifications(addressBy(port), {
    onNotification: (payload) => heard.push(payload),
    onConnected: () => states.push('connected'),
    onLost: () => states.push('lost'),
    deadlines,
  })
  t.after(() => notifications.close())
  return { notifications, heard, states, connected: () => until(() => notifications.connected) }
}

test('a message reaches all that listen, the sender too, in the order of the calls', async (t) => {
  const listeners = [listener(t), listener(t)]
  await Promise.all(listeners.map(({ connected }) => connected()))
  const [one] = listeners
  const sent = Array.from({ length: 50 }, (_, at) => `message ${at} "'\\ ü`)
  await Promise.all(sent.map((payload) => one?.notifications.notify(payload)))
  for (const { heard } of listeners) {
    await until(() => heard.length === sent.length)
    assert.deepEqual(heard, sent)
  }
})

test('a message may have 7,900 octets, and not one more', async (t) => {
  const { notifications, heard, connected } = listener(t)
  await connected()
  const most = 'ü'.repeat(NOTIFICATION_MAX_OCTETS / 2)
  await notifications.notify(most)
  await until(() => heard.length === 1)
  assert.equal(heard[0], most)
  await assert.rejects(notifications.notify(`${most}x`), RangeError)
})

test('a connection that the database ends is replaced, and whoever listens is told that it missed something', async (t) => {
  const { notifications, heard, states, connected } = listener(t)
  await connected()
  await postgres.sql(
    'postgres',
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'opencpns messages'",
  )
  await until(() => states.includes('lost'))
  await assert.rejects(
    async () => {
      while (!notifications.connected) await notifications.notify('lost')
      throw Object.assign(new Error('connected again'), { code: 'STORE_BUSY' })
    },
    { code: 'STORE_BUSY' },
  )
  await connected()
  await notifications.notify('again')
  await until(() => heard.includes('again'))
  assert.deepEqual(states, ['connected', 'lost', 'connected'])
})

test('a connection that dies without a word is noticed, and replaced', { timeout: 20_000 }, async (t) => {
  const wire = await wireTo({ host: '127.0.0.1', port: postgres.port })
  t.after(() => wire.close())
  const { notifications, heard, states, connected } = listener(t, wire.address.port, {
    aliveEveryMs: 100,
    answerMs: 200,
  })
  await connected()
  wire.silence()
  await until(() => states.includes('lost'))
  wire.mend()
  await connected()
  await notifications.notify('again')
  await until(() => heard.includes('again'))
})

test('while the database is away nothing is sent, and it is tried again until it is there', {
  timeout: 20_000,
}, async (t) => {
  const wire = await wireTo({ host: '127.0.0.1', port: postgres.port })
  t.after(() => wire.close())
  wire.cut()
  const { notifications, states, connected } = listener(t, wire.address.port)
  await assert.rejects(notifications.notify('x'), { code: 'STORE_BUSY' })
  await sleep(300)
  assert.deepEqual(states, [])
  wire.mend()
  await connected()
  await notifications.notify('x')
})

test('it ends at once, connected or not, and may be ended twice', async (t) => {
  const [there, away] = [listener(t), listener(t, 1)]
  await there.connected()
  const begun = performance.now()
  await Promise.all([there.notifications.close(), there.notifications.close(), away.notifications.close()])
  assert.ok(performance.now() - begun < 2000)
  await assert.rejects(there.notifications.notify('x'), { code: 'STORE_BUSY' })
  assert.deepEqual([there.states, away.states], [['connected', 'lost'], []])
})

test('a database elsewhere must prove who it is: by whom it is certified, and by its name', {
  timeout: 30_000,
}, async (t) => {
  const folder = temporaryFolder(t)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const made = () =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'other.key',
      '-out',
      'other.pem',
      '-days',
      '2',
      '-subj',
      '/CN=other',
    )
  try {
    made()
  } catch {
    t.skip('there is no openssl to make certificates with: install it')
    return
  }
  const [key, certificate] = [join(postgres.data, 'server.key'), join(postgres.data, 'server.pem')]
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  )
  const { uid, gid } = statSync(postgres.data)
  for (const file of [key, certificate]) chownSync(file, uid, gid)
  await postgres.sql('postgres', `ALTER SYSTEM SET ssl_key_file = 'server.key'`)
  await postgres.sql('postgres', `ALTER SYSTEM SET ssl_cert_file = 'server.pem'`)
  await postgres.sql('postgres', 'ALTER SYSTEM SET ssl = on')
  await postgres.sql('postgres', 'SELECT pg_reload_conf()')
  await until(async () => (await postgres.sql('postgres', 'SHOW ssl'))[0]?.['ssl'] === 'on')

  const at = (host: string, parameters: string) =>
    new PostgresAddress(`postgres://postgres:${postgres.password}@${host}:${postgres.port}/${database}?${parameters}`)
  const ours = `sslrootcert=${certificate}`
  const refusals: [string, string, RegExp][] = [
    ['localhost', 'sslmode=verify-full', /does not prove who it is \(DEPTH_ZERO_SELF_SIGNED_CERT\)/],
    ['localhost', `sslmode=verify-full&sslrootcert=${folder}/other.pem`, /does not prove who it is/],
    ['127.0.0.1', `sslmode=verify-full&${ours}`, /does not prove who it is \(ERR_TLS_CERT_ALTNAME_INVALID\)/],
    ['127.0.0.1', `sslmode=verify-ca&sslrootcert=${folder}/other.pem`, /does not prove who it is/],
  ]
  for (const [host, parameters, message] of refusals) {
    await assert.rejects(openPostgres(at(host, parameters)), { code: 'STORE_REFUSED', message }, parameters)
  }
  const encrypted = 'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
  for (const [host, parameters] of [
    ['localhost', `sslmode=verify-full&${ours}`],
    ['127.0.0.1', `sslmode=verify-ca&${ours}`],
    ['127.0.0.1', 'sslmode=require'],
  ] as const) {
    const connection = new Database(at(host, parameters))
    assert.deepEqual(
      await connection.reads.first({ name: '', text: encrypted }),
      { ssl: true, version: 'TLSv1.3' },
      parameters,
    )
    await connection.close()
  }
})
