// What a hostile page in the operator's browser, or a hostile client, sends to the admin API.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { localToken, openAdmin } from './admin-door.ts'

/** Sends octets as they are, and gives the head and the body of the first answer. */
async function raw(port: number, text: string): Promise<{ status: number; head: string; body: string }> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(text)
  let all = ''
  for await (const part of socket) all += part
  const [head = '', body = ''] = all.split('\r\n\r\n', 2)
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body }
}

const get = (path: string, host: string, more = '') => `GET ${path} HTTP/1.1\r\n${host}connection: close\r\n${more}\r\n`

test('on the loopback address no name is answered but that of this machine: a page cannot have its own point there', async (t) => {
  const { port } = await openAdmin(t)
  const bearer = `authorization: Bearer ${localToken}\r\n`
  const foreign = [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    '192.0.2.1',
    '[2001:db8::1]',
    '0.0.0.0',
    'localhost:x',
    '',
  ]
  for (const host of foreign) {
    for (const path of ['/healthz', '/openapi.json', '/', '/v1/users', '/nothing']) {
      const { status, body } = await raw(port, get(path, `host: ${host}\r\n`, bearer))
      assert.equal(status, 421, `${path} of "${host}"`)
      assert.equal(JSON.parse(body).code, 'HOST_UNKNOWN')
    }
  }
  for (const host of ['127.0.0.1', `127.0.0.1:${port}`, 'localhost', `LOCALHOST:${port}`, '[::1]:1', '127.9.9.9']) {
    assert.equal((await raw(port, get('/v1/users', `host: ${host}\r\n`, bearer))).status, 200, host)
  }
})

test('a second Host, or none, is refused', async (t) => {
  const { port } = await openAdmin(t)
  assert.equal((await raw(port, get('/healthz', ''))).status, 400)
  const two = await raw(port, get('/healthz', 'host: evil.example\r\nhost: localhost\r\n'))
  assert.ok([400, 421].includes(two.status))
})

test('behind a proxy any name is answered, and over its TLS the cookie goes over nothing else', async (t) => {
  const { port, call } = await openAdmin(t, { isExposed: true })
  assert.equal((await raw(port, get('/healthz', 'host: admin.example.org\r\n'))).status, 200)
  const logIn = (headers: Record<string, string>) =>
    call('POST', '/v1/session', { token: '', headers, body: { token: localToken } })
  const cookie = (await logIn({ 'x-forwarded-proto': 'https' })).headers.get('set-cookie')
  assert.match(cookie ?? '', /; Secure/)
  assert.doesNotMatch((await logIn({})).headers.get('set-cookie') ?? '', /Secure/)
})

test('no answer may be taken for a script or a page', async (t) => {
  const { call } = await openAdmin(t)
  for (const path of ['/v1/users', '/v1/nothing', '/healthz', '/openapi.json', '/']) {
    assert.equal((await call('GET', path)).headers.get('x-content-type-options'), 'nosniff', path)
  }
})

test('what is no JSON object is no body, and comes into no audit log', async (t) => {
  const { call, store } = await openAdmin(t)
  await call('POST', '/v1/users', { body: { name: 'carol' } })
  const before = await store.listAudit({ limit: 10 })
  for (const body of ['"text"', '5', 'true', '[1]', '{"name":"x"}']) {
    const answer = await call('POST', '/v1/users/carol/rotate', { body })
    assert.deepEqual([answer.status, answer.body.code], [400, 'REQUEST_INVALID'], body)
  }
  const plain = { headers: { 'content-type': 'text/plain' }, body: 'text' }
  assert.equal((await call('POST', '/v1/users/carol/rotate', plain)).body.code, 'MEDIA_TYPE_UNSUPPORTED')
  assert.deepEqual(await store.listAudit({ limit: 10 }), before)
  assert.equal((await call('POST', '/v1/users/carol/rotate', { body: {} })).status, 200)
})

test('no control character gets into the audit log by a name, an id or a query', async (t) => {
  const { call, store } = await openAdmin(t)
  const names = ['a%00b', 'a%0ab', 'a%1b%5b2Jb', 'a%e2%80%aeb', 'a%c2%9bb@example.org']
  for (const name of names) {
    for (const [method, path] of [
      ['POST', `/v1/pnes/${name}/revoke`],
      ['DELETE', `/v1/users/${name}`],
      ['POST', `/v1/gateways/${name}/revoke`],
      ['DELETE', `/v1/tokens/${name}`],
      ['GET', `/v1/audit?target=${name}`],
      ['GET', `/v1/events?gateway=${name}`],
      ['GET', `/v1/users?q=${name}`],
    ] as const) {
      assert.equal((await call(method, path)).body.code, 'REQUEST_INVALID', `${method} ${path}`)
    }
  }
  assert.deepEqual(await store.listAudit({ limit: 10 }), [])
})

test('a role cannot be got round by another spelling of the request', async (t) => {
  const { call, tokenOf, store } = await openAdmin(t)
  const token = await tokenOf('viewer')
  const to = async (method: string, path: string, headers: Record<string, string> = {}) =>
    (await call(method, path, { token, headers })).status
  for (const path of ['/v1/audit', '/v1/%61udit', '/v1/tokens', '/v1/tok%65ns']) {
    assert.equal(await to('GET', path), 403, path)
    assert.equal(await to('HEAD', path), 403, path)
  }
  for (const path of ['/v1/audit/', '//v1/audit', '/v1//audit', '/V1/audit', '/v1/audit%2f']) {
    assert.equal(await to('GET', path), 404, path)
  }
  const override = { 'x-http-method-override': 'DELETE', 'x-original-url': '/v1/audit', 'x-rewrite-url': '/v1/audit' }
  assert.equal(await to('GET', '/v1/users/alice', override), 200)
  assert.equal(await to('OPTIONS', '/v1/users'), 404)
  assert.equal(await to('PUT', '/v1/users/alice'), 404)
  assert.equal((await store.findUser('alice'))?.removedAt, null)
})

test('the address of a failed login is that of its connection, whatever a header says', async (t) => {
  const { call } = await openAdmin(t)
  const tried = (n: number) =>
    call('POST', '/v1/session', {
      token: '',
      headers: { 'x-forwarded-for': `192.0.2.${n}`, forwarded: `for=192.0.2.${n}` },
      body: { token: 'none' },
    })
  for (let n = 0; n < 10; n++) assert.equal((await tried(n)).status, 401)
  assert.equal((await tried(10)).status, 429)
})

test('logins that are tried at once are counted one by one', async (t) => {
  const { call, tokenOf, store } = await openAdmin(t)
  const find = store.findToken.bind(store)
  store.findToken = async (hash) => {
    await sleep(20)
    return find(hash)
  }
  const good = await tokenOf('viewer')
  const tried = (token: string) => call('POST', '/v1/session', { token: '', body: { token } })
  for (let n = 0; n < 12; n++) assert.equal((await tried(good)).status, 200, 'those that are good count for nothing')
  const all = await Promise.all(Array.from({ length: 40 }, () => tried('none')))
  assert.equal(all.filter(({ status }) => status === 401).length, 10)
})

test('so many connections may be open, and no more', async (t) => {
  const { port } = await openAdmin(t)
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let n = 0; n < 500; n++) sockets.push(connect(port, '127.0.0.1').on('error', () => {}))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const more = connect(port, '127.0.0.1').on('error', () => {})
  sockets.push(more)
  await once(more, 'close', { signal: AbortSignal.timeout(30_000) })
  sockets[0]?.destroy()
  await once(sockets[0] as Socket, 'close')
  let status = 0
  while (status !== 200)
    status = (await raw(port, get('/healthz', 'host: localhost\r\n')).catch(() => ({ status: 0 }))).status
})

test('a name that a gateway could not be told, for it is longer in octets than in characters, is refused as such', async (t) => {
  const { call } = await openAdmin(t)
  const ask = (name: string) => call('POST', '/v1/gateways/home/tickets', { body: { name } })
  const { status, body } = await ask('é'.repeat(33))
  assert.deepEqual([status, body.code], [400, 'NAME_INVALID'])
  assert.equal((await ask('é'.repeat(32))).status, 201)
})
