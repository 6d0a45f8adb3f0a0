// The address of a PostgreSQL database: what it may be, what it says of TLS, and that it never gives its password away.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { StoreError } from '../../src/store/contract.ts'
import { parseStoreAddress } from '../../src/store/open.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { temporaryFolder } from '../temp-folder.ts'

const SECRET = 'p%40ss-w0rd'

function parts(text: string) {
  const { host, port, user, database, connections } = new PostgresAddress(text)
  return { host, port, user, database, connections }
}

test('an address is read as libpq reads it', () => {
  const expected = { host: 'db.example.org', port: 5432, user: 'cpns', database: 'opencpns', connections: 10 }
  assert.deepEqual(parts('postgres://cpns@db.example.org/opencpns'), expected)
  assert.deepEqual(parts('postgresql://cpns:x@db.example.org:5432/opencpns?connections=10'), expected)
  assert.deepEqual(parts('postgres:///opencpns?host=db.example.org&user=cpns&port=5432'), expected)
  assert.equal(parts('postgres://[::1]:6000/d').host, '::1')
  assert.equal(parts('postgres://db.example.org/d').user, undefined)
  assert.equal(parts('postgres://cpns@db.example.org').database, 'cpns')
  assert.deepEqual(
    [parts('postgres:///d?host=/run/postgresql').host, parts('postgres://u@/d?host=/run/postgresql').user],
    ['/run/postgresql', 'u'],
  )
  assert.deepEqual(
    [parts('postgres://a%3Ab:c%2Fd@h/e%20f').user, parts('postgres://a%3Ab:c%2Fd@h/e%20f').database],
    ['a:b', 'e f'],
  )
})

test('what is no address is refused, and not shown', () => {
  const refused = [
    ...['', 'postgres', 'postgres:/h/d', 'mysql://u@h/d', `http://u:${SECRET}@h/d`, 'sqlite:cpns.db', '/cpns.db'],
    ...[`postgres://u:${SECRET}@h:0/d`, `postgres://u:${SECRET}@h:65536/d`, `postgres://u:${SECRET}@h:x/d`],
    ...[`postgres://u:${SECRET}@h1,h2/d`, `postgres://u:${SECRET}%zz@h/d`, `postgres://u:${SECRET}@h/d#f`],
    ...[`postgres://u:${SECRET}@h/d?sslmode=prefer`, `postgres://u:${SECRET}@h/d?sslmode=allow`],
    ...[`postgres://u:${SECRET}@h/d?sslmode=`, `postgres://u:${SECRET}@h/d?options=-c`],
    ...[`postgres://u:${SECRET}@h/d?sslmode=disable&sslmode=require`, `postgres://u:${SECRET}@h/d?connections=0`],
    ...[`postgres://u:${SECRET}@h/d?connections=101`, `postgres://u:${SECRET}@h/${'d'.repeat(3000)}`],
  ]
  for (const text of refused) {
    assert.throws(
      () => parseStoreAddress(text),
      (error) => {
        assert.ok(error instanceof StoreError && error.code === 'STORE_ADDRESS_INVALID', text)
        assert.ok(!/p(%40|@)ss-w0rd/.test(`${error.stack} ${inspect(error, { depth: 9 })}`), 'the password is shown')
        return true
      },
      text,
    )
  }
})

test('the password is given to the connection, and to nothing that prints the address', () => {
  const address = new PostgresAddress(`postgres://cpns:${SECRET}@db.example.org/opencpns`)
  const { password } = address.connection()
  assert.equal(password?.(), 'p@ss-w0rd')
  assert.equal(`${address}`, 'postgres://cpns@db.example.org:5432/opencpns')
  const printed = [
    inspect(address, { depth: 9, showHidden: true }),
    JSON.stringify({ address }),
    inspect(address.connection()),
  ]
  for (const text of printed) assert.ok(!/p(%40|@)ss-w0rd/.test(text), text)
  for (const text of ['postgres:///d?host=/run/postgresql', 'postgres://[::1]/d', 'postgres://a%3Ab@h/e%20f']) {
    assert.deepEqual(parts(`${new PostgresAddress(text)}`), parts(text), 'what it prints is an address again')
  }
})

test('a database elsewhere must prove who it is unless the address says otherwise; one on this machine need not', () => {
  const ssl = (text: string) => new PostgresAddress(text).connection().ssl
  for (const here of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', '']) {
    assert.equal(ssl(`postgres://${here}/d`), false, here)
  }
  assert.equal(ssl('postgres:///d?host=/run/postgresql'), false)
  for (const there of [
    'db.example.org',
    '192.0.2.1',
    '[2001:db8::1]',
    'localhost.example.org',
    '127.0.0.1.example.org',
  ]) {
    assert.deepEqual(ssl(`postgres://${there}/d`), { minVersion: 'TLSv1.2' }, there)
  }
  assert.deepEqual(ssl('postgres://localhost/d?sslmode=verify-full'), { minVersion: 'TLSv1.2' })
  assert.equal(ssl('postgres://db.example.org/d?sslmode=disable'), false)
  const lax = ssl('postgres://db.example.org/d?sslmode=require')
  assert.ok(lax && lax.rejectUnauthorized === false)
  const anyName = ssl('postgres://db.example.org/d?sslmode=verify-ca')
  assert.ok(
    anyName && anyName.rejectUnauthorized !== false && anyName.checkServerIdentity?.('x', {} as never) === undefined,
  )
})

test('certificates are read from files, and one that cannot be read is named', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'ca.pem'), 'certificate')
  const base = 'postgres://db.example.org/d?sslrootcert='
  assert.deepEqual(new PostgresAddress(`${base}${folder}/ca.pem`).connection().ssl, {
    ca: 'certificate',
    minVersion: 'TLSv1.2',
  })
  assert.throws(() => new PostgresAddress(`${base}${folder}/none.pem`).connection(), {
    code: 'STORE_ADDRESS_INVALID',
    message: /none\.pem cannot be read \(ENOENT\)/,
  })
})
