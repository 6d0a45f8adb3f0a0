// The console's session: a cookie for a token, what it may, and how it ends.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeCertificate, noOpenssl } from '../../../../test/support/openssl.ts'
import { initDataFolder } from '../../src/datafolder.ts'
import { Attempts } from '../../src/doors/admin/attempts.ts'
import { runServer } from '../../src/server.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { localToken, openAdmin } from './admin-door.ts'

const HOUR_MS = 3_600_000

/** A door, a clock, and logging in. */
async function openDoor(t: TestContext) {
  const clock = { at: Date.UTC(2030, 0, 1) }
  const admin = await openAdmin(t, { now: () => clock.at })
  const logIn = async (token: string) => {
    const answer = await admin.call('POST', '/v1/session', { token: '', body: { token } })
    const [cookie = ''] = answer.headers.get('set-cookie')?.split(';') ?? []
    return { ...answer, cookie }
  }
  const by = (cookie: string, headers: Record<string, string> = {}) => ({ token: '', headers: { cookie, ...headers } })
  return { ...admin, clock, logIn, by }
}

const console1 = { 'x-opencpns-console': '1' }

test('whoever logs in gets a cookie that no script reads and no other site sends, and is told who it is', async (t) => {
  const { call, logIn, by, tokenOf } = await openDoor(t)
  const { status, body, headers, cookie } = await logIn(await tokenOf('viewer', 'dora'))
  const expires = new Date(Date.UTC(2030, 0, 1) + 12 * HOUR_MS)
  const who = { name: 'dora', role: 'viewer', realm: 'example.org', expires: expires.toISOString() }
  assert.deepEqual([status, body], [200, who])
  const attributes = headers.get('set-cookie')?.split('; ').slice(1) ?? []
  assert.deepEqual(attributes, ['Path=/', `Expires=${expires.toUTCString()}`, 'HttpOnly', 'SameSite=Strict'])
  assert.deepEqual((await call('GET', '/v1/session', by(cookie))).body, who)
  assert.equal((await call('GET', '/v1/users', by(cookie))).status, 200)
  assert.equal((await call('GET', '/v1/tokens', by(cookie))).body.code, 'ROLE_INSUFFICIENT')
})

test('the holder of the token in the data folder is the admin "local"', async (t) => {
  const { call, logIn, by } = await openDoor(t)
  const { body, cookie } = await logIn(localToken)
  assert.deepEqual([body.name, body.role], ['local', 'admin'])
  assert.equal((await call('GET', '/v1/tokens', by(cookie))).status, 200)
  const { body: bearer } = await call('GET', '/v1/session')
  assert.deepEqual([bearer.name, bearer.expires], ['local', null])
})

test('by cookie nothing is changed without the header of the console, which no form can send', async (t) => {
  const { call, logIn, by, store } = await openDoor(t)
  const { cookie } = await logIn(localToken)
  const body = { name: 'carol' }
  for (const headers of [{}, { 'x-opencpns-console': '0' }, { 'x-opencpns-console': 'true' }]) {
    const answer = await call('POST', '/v1/users', { ...by(cookie, headers as Record<string, string>), body })
    assert.deepEqual([answer.status, answer.body.code], [403, 'CONSOLE_HEADER_REQUIRED'])
  }
  assert.equal(await store.findUser('carol'), undefined)
  assert.equal((await call('POST', '/v1/users', { ...by(cookie, console1), body })).status, 201)
  assert.equal((await call('POST', '/v1/users', { body: { name: 'dan' } })).status, 201)
})

test('a cookie that was changed, cut or made up is none', async (t) => {
  const { call, logIn, by, tokenOf } = await openDoor(t)
  const { cookie } = await logIn(await tokenOf('viewer', 'dora'))
  const [name, value = ''] = cookie.split('=')
  const [id = '', session = '', expires = '', mac = ''] = value.split('.')
  const forged = [
    '',
    'x',
    `${id}.${session}.${expires}`,
    `local.${session}.${expires}.${mac}`,
    `${id}.${'A'.repeat(16)}.${expires}.${mac}`,
    `${id}.${session}.${Number(expires) + 1}.${mac}`,
    `${id}.${session}.${expires}.${mac.slice(0, -2)}AA`,
    `${id}.${session}.${expires}.${mac.slice(1)}`,
    `${id}.${session}.${expires}.`,
    `${id}.${expires}.${mac}`,
    value.repeat(50),
  ]
  for (const text of forged) {
    const answer = await call('GET', '/v1/session', by(`${name}=${text}`))
    assert.deepEqual([answer.status, answer.body.code], [401, 'TOKEN_REQUIRED'], text)
  }
})

test('a session ends after twelve hours, or with its token', async (t) => {
  const { call, logIn, by, clock, registry } = await openDoor(t)
  const add = (name: string, expiresInS?: number) =>
    registry.operators.tokens.add({ name, role: 'viewer', expiresInS, by: 'local' })
  const long = await logIn((await add('long')).token)
  const short = await logIn((await add('short', 3600)).token)
  assert.equal(Date.parse(short.body.expires), clock.at + HOUR_MS)
  const status = async ({ cookie }: { cookie: string }) => (await call('GET', '/v1/session', by(cookie))).status
  clock.at += HOUR_MS - 1000
  assert.deepEqual([await status(long), await status(short)], [200, 200])
  clock.at += 1000
  assert.deepEqual([await status(long), await status(short)], [200, 401])
  clock.at += 11 * HOUR_MS - 1
  assert.equal(await status(long), 200)
  clock.at += 1
  assert.equal(await status(long), 401)
})

test('a token that is revoked ends its sessions at once where that was asked for, and elsewhere within a second', async (t) => {
  const { call, logIn, by, clock, tokenOf, store } = await openDoor(t)
  const [here, elsewhere] = [
    await logIn(await tokenOf('viewer', 'here')),
    await logIn(await tokenOf('viewer', 'there')),
  ]
  const status = async ({ cookie }: { cookie: string }) => (await call('GET', '/v1/users', by(cookie))).status
  assert.deepEqual([await status(here), await status(elsewhere)], [200, 200])
  await store.revokeToken('there', clock.at) // as another replica does
  clock.at += 999
  await call('DELETE', '/v1/tokens/here')
  assert.equal(await status(here), 401)
  clock.at += 1
  assert.equal(await status(elsewhere), 401)
})

test('whoever logs out has no cookie any more', async (t) => {
  const { call, logIn, by } = await openDoor(t)
  const { cookie } = await logIn(localToken)
  assert.equal((await call('DELETE', '/v1/session', by(cookie))).body.code, 'CONSOLE_HEADER_REQUIRED')
  const answer = await call('DELETE', '/v1/session', by(cookie, console1))
  assert.equal(answer.status, 204)
  assert.match(answer.headers.get('set-cookie') ?? '', /^opencpns_session=; Path=\/; Expires=Thu, 01 Jan 1970/)
})

test('a session that was logged out of is over for a copy of its cookie, and no other session of its token is', async (t) => {
  const { call, logIn, by } = await openDoor(t)
  const [one, other] = [await logIn(localToken), await logIn(localToken)]
  assert.notEqual(one.cookie, other.cookie)
  const status = async ({ cookie }: { cookie: string }) => (await call('GET', '/v1/users', by(cookie))).status
  assert.deepEqual([await status(one), await status(other)], [200, 200])
  assert.equal((await call('DELETE', '/v1/session', by(one.cookie, console1))).status, 204)
  assert.deepEqual([await status(one), await status(other)], [401, 200])
  const again = await call('DELETE', '/v1/session', by(one.cookie, console1))
  assert.deepEqual([again.status, again.body.code], [401, 'TOKEN_REQUIRED'])
})

test('a log-out holds after a restart of the server, and at another one within a second', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const clock = { at: Date.UTC(2030, 0, 1) }
  const open = () => openAdmin(t, { path, now: () => clock.at })
  const [here, there] = [await open(), await open()]
  const session = await logInAt(here)
  assert.equal((await there.call('GET', '/v1/users', session)).status, 200)
  await here.call('DELETE', '/v1/session', session)
  clock.at += 1000
  assert.equal((await there.call('GET', '/v1/users', session)).status, 401)
  await Promise.all([here.close(), there.close()])
  clock.at += 11 * HOUR_MS
  const restarted = await open()
  await restarted.call('DELETE', '/v1/session', await logInAt(restarted))
  assert.equal((await restarted.call('GET', '/v1/users', session)).status, 401)
})

async function logInAt({ call }: Awaited<ReturnType<typeof openAdmin>>) {
  const { headers } = await call('POST', '/v1/session', { token: '', body: { token: localToken } })
  return { token: '', headers: { cookie: headers.get('set-cookie')?.split(';', 1)[0] ?? '', ...console1 } }
}

test('a login with what is no token is refused, and after ten of them in a minute every one', async (t) => {
  const { logIn, tokenOf } = await openDoor(t)
  const good = await tokenOf('viewer')
  for (let i = 0; i < 10; i++) {
    const answer = await logIn(`wrong-${i}`)
    assert.deepEqual([answer.status, answer.body.code, answer.cookie], [401, 'TOKEN_REQUIRED', ''])
  }
  for (const token of ['wrong', good]) {
    const answer = await logIn(token)
    assert.deepEqual([answer.status, answer.body.code, answer.cookie], [429, 'TOO_MANY_ATTEMPTS', ''])
    const after = Number(answer.headers.get('retry-after'))
    assert.ok(after >= 1 && after <= 60, `retry after ${after}`)
  }
})

test('failed logins are counted by address, for a minute each, and of IPv6 by network', () => {
  let at = 0
  const attempts = new Attempts(() => at)
  const fail = (address: string, times: number) => {
    for (let i = 0; i < times; i++) attempts.failed(address)
  }
  fail('192.0.2.1', 9)
  assert.equal(attempts.blockedForS('192.0.2.1'), undefined)
  at = 30_000
  fail('::ffff:192.0.2.1', 1)
  assert.deepEqual([attempts.blockedForS('192.0.2.1'), attempts.blockedForS('192.0.2.2')], [30, undefined])
  at = 59_999
  assert.equal(attempts.blockedForS('192.0.2.1'), 1)
  at = 60_000
  assert.equal(attempts.blockedForS('192.0.2.1'), undefined)
  for (let i = 0; i < 10; i++) fail(`2001:db8::${i + 1}`, 1)
  assert.equal(attempts.blockedForS('2001:db8:0:0:ffff::9'), 60)
  assert.equal(attempts.blockedForS('2001:db8:0:1::1'), undefined)
})

test('a token is in no line of the log', async (t) => {
  const lines: unknown[] = []
  const write = (...line: unknown[]) => lines.push(line)
  const { call, tokenOf } = await openAdmin(t, { logger: { debug: write, info: write, warn: write, error: write } })
  const token = await tokenOf('viewer')
  await call('GET', '/v1/users', { token })
  await call('POST', '/v1/session', { token: '', body: { token } })
  await call('POST', '/v1/session', { token: '', body: { token: `${token}x` } })
  await call('GET', '/v1/nothing', { token })
  assert.ok(lines.length >= 4)
  assert.ok(!JSON.stringify(lines).includes(token))
  assert.ok(!JSON.stringify(lines).includes(localToken))
})

/** A certificate for `localhost` and its key, PEM. */
function certificateOf(t: TestContext): { cert: string; key: string } {
  const dir = temporaryFolder(t)
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  makeCertificate(cert, key)
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

test('over TLS the cookie goes over nothing else', { skip: noOpenssl }, async (t) => {
  const tls = certificateOf(t)
  const { url, port } = await openAdmin(t, { tls })
  assert.match(url, /^https:/)
  const [cookie = ''] = await new Promise<string[]>((resolve, reject) => {
    const options = { method: 'POST', headers: { 'content-type': 'application/json' }, ca: tls.cert }
    request(`https://localhost:${port}/v1/session`, options, (answer) => {
      answer.resume().on('end', () => resolve(answer.headers['set-cookie'] ?? []))
    })
      .on('error', reject)
      .end(JSON.stringify({ token: localToken }))
  })
  assert.match(cookie, /; HttpOnly; Secure; SameSite=Strict$/)
})

test('beyond the loopback address there is no admin API without TLS, unless a proxy stands before it', async (t) => {
  const dataDir = temporaryFolder(t)
  await initDataFolder(dataDir, { realm: 'example.org' })
  const loopback = { host: '127.0.0.1', port: 0 }
  const run = (admin: Parameters<typeof runServer>[0]['admin']) => runServer({ dataDir, listen: loopback, admin })
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'server.example.org']) {
    await assert.rejects(run({ host, port: 0 }), { code: 'ADMIN_NEEDS_TLS', message: /--admin-tls-cert/ }, host)
  }
  const wrong = { cert: 'no certificate', key: 'no key' }
  await assert.rejects(run({ ...loopback, tls: wrong }), { code: 'TLS_FILE_INVALID' })
  const server = await run({ host: '0.0.0.0', port: 0, isExposed: true })
  await server.close()
})
