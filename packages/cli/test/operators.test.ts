// Operators by the command line: tokens and what they may, the audit log, searches, and the admin API over TLS.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { makeCertificate, noOpenssl } from '../../../test/support/openssl.ts'
import { AdminClient } from '../src/commands/admin/client.ts'
import { assertError, firstDocument, opencpns, start, stop, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
const server = folder.path('server')
const running: ChildProcess[] = []
const any = '127.0.0.1:0'
let url = ''

before(async () => {
  await opencpns('server', 'init', '--data', server, '--realm', 'example.org')
  await run('server', 'run', '--data', server, '--listen', any, '--admin', any)
  url = JSON.parse(readFileSync(folder.path('server', 'admin.json'), 'utf8')).url
  for (const name of ['alice', 'alma', 'bob']) await admin('user', 'add', name)
  await admin('gateway', 'add', 'home-gw', '--user', 'alice', '--out', folder.path('home-gw.json'))
  await admin('gateway', 'add', 'pole-ap', '--user', 'bob', '--radius', '192.0.2.1')
})

after(async () => {
  await Promise.all(running.map(stop))
  folder.remove()
})

function run(...args: string[]) {
  const child = start(...args, '--json')
  running.push(child)
  return firstDocument(child)
}

const admin = (...args: string[]) => opencpns('admin', ...args, '--data', server)

/** As the holder of a token. */
const as = (token: string, ...args: string[]) =>
  opencpns('admin', ...args, '--url', url, '--token-file', folder.path(token))

test('a token is written to a file for its owner alone, and does what its role may, from elsewhere', async () => {
  const file = folder.path('dora.token')
  const made = await admin('token', 'add', 'dora', '--role', 'operator', '--expires', '30d', '--out', file)
  assert.deepEqual([made.code, made.stderr], [0, ''])
  assert.match(
    made.stdout,
    /^Made the token dora for the role operator, good until 20\d\d-.*Z\. It is in .*dora\.token/,
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const token = readFileSync(file, 'utf8').trim()
  assert.match(token, /^opencpns_[\w-]{43}$/)
  assert.ok(!made.stdout.includes(token))
  assert.match((await as('dora.token', 'user', 'list')).stdout, /^alice +1 +active/m)
  assert.equal((await as('dora.token', 'user', 'policy', 'alice', '--roaming', 'none')).code, 0)
  assertError(await as('dora.token', 'user', 'add', 'carol'), 3, /cannot add the user: this needs the role admin/)
  assertError(await as('dora.token', 'token', 'list'), 3, /needs the role admin, and the token has operator/)
})

test('without a file a token is told once, and is all that goes into a pipe', async () => {
  const { stdout, stderr } = await admin('token', 'add', 'grafana', '--role', 'viewer')
  assert.match(stderr, /^Made the token grafana for the role viewer, .* told this once:\n$/)
  assert.match(stdout, /^opencpns_[\w-]{43}\n$/)
  writeFileSync(folder.path('grafana.token'), stdout)
  assert.equal((await as('grafana.token', 'pne', 'list')).code, 0)
  const { stdout: list } = await admin('token', 'list')
  assert.match(list, /^[\w-]{12} +grafana +viewer +good +– .*local/m)
  assert.ok(!list.includes(stdout.trim()))
})

test('a token that is there already, or that there is none of, is told as that, and no file stays', async () => {
  const file = folder.path('again.token')
  await admin('token', 'add', 'twice', '--role', 'viewer')
  const args = ['token', 'add', 'twice', '--role', 'viewer', '--out', file]
  assertError(await admin(...args), 2, /cannot make the token: a token has this name/)
  assert.throws(() => statSync(file), { code: 'ENOENT' })
  assertError(await admin('token', 'add', 'local', '--role', 'admin'), 2, /a token has this name/)
  assertError(await admin('token', 'add', 'x', '--role', 'root'), 2, /Allowed choices are viewer, operator, admin/)
  assertError(await admin('token', 'add', 'x', '--role', 'viewer', '--expires', '30'), 2, /not a duration/)
  assertError(await admin('token', 'add', 'x'), 2, /required option '--role/)
  assertError(await admin('token', 'revoke', 'nobody'), 2, /cannot revoke the token: there is no such token/)
})

test('a token that is revoked is refused from then on', async () => {
  const file = folder.path('gone.token')
  await admin('token', 'add', 'gone', '--role', 'viewer', '--out', file)
  assert.equal((await as('gone.token', 'user', 'list')).code, 0)
  assert.equal((await admin('token', 'revoke', 'gone')).stdout, 'Revoked the token gone.\n')
  assertError(await as('gone.token', 'user', 'list'), 3, /refused the token: it is not this server's, or no longer/)
  assert.match((await admin('token', 'list')).stdout, /gone +viewer +revoked/)
})

test('the audit log tells who asked for what, and what became of it', async () => {
  assertError(await admin('gateway', 'revoke', 'nobody-gw'), 2, /no such gateway/)
  const { stdout } = await admin('audit', 'list', '--limit', '5')
  assert.match(stdout, /^AT +WHO +FROM +ACTION +TARGET +OUTCOME +FACTS\n/)
  assert.match(stdout, /local +127\.0\.0\.1 +gateway\.revoke +nobody-gw@example\.org +GATEWAY_UNKNOWN/)
  const { stdout: json } = await admin('audit', 'list', '--actor', 'local', '--action', 'user.add', '--json')
  const targets = JSON.parse(json).items.map(({ target, outcome }: Record<string, string>) => [target, outcome])
  assert.deepEqual(targets, [
    ['bob', 'done'],
    ['alma', 'done'],
    ['alice', 'done'],
  ])
  const { stdout: of } = await admin('audit', 'list', '--target', 'alma', '--json')
  assert.equal(JSON.parse(of).items.length, 1)
  assertError(await admin('audit', 'list', '--limit', '0'), 2, /number from 1 to 1000/)
})

test('lists are searched and filtered', async () => {
  const names = async (...args: string[]) =>
    JSON.parse((await admin(...args, '--json')).stdout).items.map((item: Record<string, string>) =>
      String(item['name'] ?? item['identity'] ?? item['gateway']).replace('@example.org', ''),
    )
  assert.deepEqual(await names('user', 'list', '--search', 'al'), ['alice', 'alma'])
  assert.deepEqual(await names('gateway', 'list', '--user', 'alice'), ['home-gw'])
  assert.deepEqual(await names('gateway', 'list', '--kind', 'radius', '--state', 'active'), ['pole-ap'])
  assert.deepEqual(await names('gateway', 'list', '--search', 'p'), ['pole-ap'])
  assert.deepEqual(await names('pn', 'list', '--user', 'bob'), [])
  assert.deepEqual(await names('pne', 'list', '--search', 'lamp', '--state', 'active', '--gateway', 'home-gw'), [])
  const events = async (...args: string[]) =>
    JSON.parse((await admin('event', 'list', ...args, '--json')).stdout).items.length
  assert.equal(await events('--type', 'admin', '--gateway', 'pole-ap', '--result', 'gateway-added'), 1)
  assert.equal(await events('--gateway', 'pole-ap', '--after', '2999-01-01'), 0)
  assert.equal(await events('--gateway', 'pole-ap', '--after', '2001-01-01T09:00'), 1)
  assertError(await admin('event', 'list', '--after', 'yesterday'), 2, /Give a time as/)
})

test('a gateway that is away cannot be asked to renew a key', async () => {
  assertError(await admin('pne', 'rotate', 'pne-none'), 2, /cannot have the key renewed: there is no such PNE/)
})

test('a request that creates something is sent again when the connection is lost, and carried out once', async () => {
  const keys: unknown[] = []
  const flaky = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'])
    request.resume().on('end', () => {
      if (keys.length === 1) request.socket.destroy()
      else response.end('{"name":"carol"}')
    })
  })
  await new Promise<void>((resolve) => flaky.listen(0, '127.0.0.1', resolve))
  const { port } = flaky.address() as AddressInfo
  const client = new AdminClient(`http://127.0.0.1:${port}`, 'token')
  assert.deepEqual(await client.create('/v1/users', { name: 'carol' }), { name: 'carol' })
  assert.equal(keys.length, 2)
  assert.match(String(keys[0]), /^[\w-]{36}$/)
  assert.equal(keys[0], keys[1])
  flaky.close()
})

test('what was answered before the server was killed is answered again after it, secret and all', async () => {
  const data = folder.path('killed')
  await opencpns('server', 'init', '--data', data, '--realm', 'example.org')
  const begin = async () => {
    const child = start('server', 'run', '--data', data, '--listen', any, '--admin', any, '--json')
    running.push(child)
    const { listen = {} } = await firstDocument(child)
    return { child, at: `http://${listen['admin']}` }
  }
  const token = () => readFileSync(folder.path('killed', 'admin.token'), 'utf8').trim()
  const post = (at: string, path: string, body: object) =>
    fetch(at + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json', 'idempotency-key': path },
      body: JSON.stringify(body),
    })
  const first = await begin()
  await post(first.at, '/v1/users', { name: 'alice' })
  const made = await (await post(first.at, '/v1/gateways', { name: 'home-gw', user: 'alice' })).json()
  const ended = once(first.child, 'exit')
  first.child.kill('SIGKILL')
  await ended
  const second = await begin()
  const again = await post(second.at, '/v1/gateways', { name: 'home-gw', user: 'alice' })
  assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [201, 'true'])
  assert.deepEqual(await again.json(), made)
  const { stdout } = await opencpns('admin', 'audit', 'list', '--data', data, '--json')
  const actions = JSON.parse(stdout).items.map(({ action, outcome }: Record<string, string>) => [action, outcome])
  assert.deepEqual(actions, [
    ['gateway.add', 'done'],
    ['user.add', 'done'],
  ])
})

test('the admin API over TLS is believed by its very certificate here, and elsewhere by who signed it', {
  skip: noOpenssl,
}, async () => {
  const data = folder.path('with-tls')
  const [cert, key] = [folder.path('admin.pem'), folder.path('admin.key')]
  makeCertificate(cert, key)
  await opencpns('server', 'init', '--data', data, '--realm', 'example.org')
  const tls = ['--admin-tls-cert', cert, '--admin-tls-key', key]
  const { listen = {} } = await run('server', 'run', '--data', data, '--listen', any, '--admin', any, ...tls)
  assert.equal((await opencpns('admin', 'user', 'add', 'alice', '--data', data)).code, 0)

  const port = listen['admin']?.split(':').at(-1)
  const token = ['--token-file', folder.path('with-tls', 'admin.token')]
  const list = (host: string, ...more: string[]) =>
    opencpns('admin', 'user', 'list', '--url', `https://${host}:${port}`, ...token, ...more)
  assertError(await list('localhost'), 4, /nobody that is known signed its certificate\. Give who signs .* as --ca/)
  assertError(await list('127.0.0.1', '--ca', cert), 4, /its certificate is for another name/)
  assert.match((await list('localhost', '--ca', cert)).stdout, /^alice/m)
})

test('the admin API is not put before everybody in the clear', async () => {
  const data = folder.path('not-run')
  await opencpns('server', 'init', '--data', data, '--realm', 'example.org')
  const refused = (...args: string[]) => opencpns('server', 'run', '--data', data, '--listen', any, ...args)
  assertError(await refused('--admin', '0.0.0.0:0'), 2, /it needs TLS there; give --admin-tls-cert and --admin-tls-key/)
  assertError(await refused('--admin-tls-cert', 'x'), 2, /give both --admin-tls-cert and --admin-tls-key/)
  const missing = ['--admin-tls-cert', 'none.pem', '--admin-tls-key', 'none.key']
  assertError(await refused('--admin', any, ...missing), 5, /cannot read none\.pem/)
  writeFileSync(folder.path('bad.pem'), 'no certificate')
  const bad = ['--admin-tls-cert', folder.path('bad.pem'), '--admin-tls-key', folder.path('bad.pem')]
  assertError(await refused('--admin', any, ...bad), 5, /cannot use the certificate of the admin API/)
})
