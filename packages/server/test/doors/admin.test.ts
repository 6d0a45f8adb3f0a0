import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createAdminDoor } from '../../src/doors/admin/door.ts'
import { EventLog } from '../../src/events.ts'
import { Registry, StoreError } from '../../src/registry.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { Vault } from '../../src/vault.ts'

const token = randomBytes(32).toString('base64url')

interface Answer {
  status: number
  type: string | null
  // biome-ignore lint/suspicious/noExplicitAny: JSON from outside, whose shape is what the test is about
  body: any
}

/** An open door over an empty registry. `call` sends the token. */
async function openDoor(t: TestContext) {
  const store = openSqlite(':memory:')
  const events = new EventLog(store)
  const registry = new Registry({ store, vault: new Vault(Buffer.alloc(32, 1)), realm: 'example.org', events })
  const lines: unknown[] = []
  const write = (...line: unknown[]) => lines.push(line)
  const logger = { debug: write, info: write, warn: write, error: write }
  const door = createAdminDoor({ registry, events, token, logger })
  const { url, port, host } = await door.listen()
  t.after(async () => {
    await door.close()
    await events.close()
    await store.close()
  })
  const fetchJson = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url + path, init)
    const text = await response.text()
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: text === '' ? null : JSON.parse(text),
    }
  }
  const call = (method: string, path: string, body?: unknown) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { authorization: `Bearer ${token}`, ...json }
    return fetchJson(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  }
  return { registry, store, events, door, url, port, host, lines, fetchJson, call }
}

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.body?.status, answer.body?.code], [status, status, code])
  assert.match(answer.type ?? '', /^application\/problem\+json/)
  assert.deepEqual(Object.keys(answer.body).sort(), ['code', 'detail', 'status', 'title', 'type'])
}

test('the story of an operator: user, gateway, PNE, revocation, events', async (t) => {
  const { call, registry } = await openDoor(t)
  const user = await call('POST', '/v1/users', { name: 'alice' })
  assert.deepEqual([user.status, user.body.name, user.body.generation], [201, 'alice', 1])
  const gateway = await call('POST', '/v1/gateways', { name: 'home', user: 'alice' })
  assert.deepEqual(Object.keys(gateway.body), ['name', 'identity', 'kind', 'radius', 'secret', 'realm'])
  const secret = Buffer.from(gateway.body.secret, 'base64url')
  assert.deepEqual(secret, (await registry.findGatewayForLink('home@example.org'))?.secret)

  const of = { gatewayIdentity: 'home@example.org', secondSeed: randomBytes(32) }
  const { pneId } = await registry.assignPne({ ...of, name: 'Lamp' })
  await registry.confirmPne(of)
  const pne = await call('GET', '/v1/pnes/Lamp')
  assert.deepEqual([pne.status, pne.body.id, pne.body.state], [200, pneId, 'active'])
  assert.match(pne.body.confirmed, /^\d{4}-\d\d-\d\dT.*Z$/)

  const revocation = await call('POST', `/v1/pnes/${pneId}/revoke`)
  assert.deepEqual([revocation.status, revocation.body.id, revocation.body.sequence], [200, pneId, 1])
  assert.deepEqual((await call('POST', `/v1/pnes/${pneId}/revoke`)).body, revocation.body)
  assert.equal((await call('GET', '/v1/pnes?state=revoked&user=alice&q=lam')).body.items[0].id, pneId)
  const events = await call('GET', '/v1/events?type=revocation')
  assert.deepEqual([events.body.items.length, events.body.items[0].pne, events.body.dropped], [1, pneId, 0])
})

test('a user gets a new generation, and an old one is retired once no key uses it, or by force', async (t) => {
  const { call, registry } = await openDoor(t)
  await call('POST', '/v1/users', { name: 'alice' })
  await call('POST', '/v1/gateways', { name: 'home', user: 'alice' })
  const gatewayIdentity = 'home@example.org'
  const [old, next] = [randomBytes(32), randomBytes(32)]
  const { pneId } = await registry.assignPne({ gatewayIdentity, secondSeed: old, name: 'Lamp' })
  await registry.confirmPne({ gatewayIdentity, secondSeed: old })
  const changed: unknown[] = []
  registry.on('policyChanged', (of) => changed.push(of))
  const rotated = await call('POST', '/v1/users/alice/rotate')
  assert.deepEqual([rotated.status, rotated.body.generation, changed], [200, 2, [{ user: 'alice' }]])
  const path = '/v1/users/alice/generations'
  assertProblem(await call('DELETE', `${path}/1`), 409, 'GENERATION_IN_USE')
  assertProblem(await call('DELETE', `${path}/2`), 409, 'GENERATION_NEWEST')
  assertProblem(await call('DELETE', `${path}/3?force`), 404, 'GENERATION_UNKNOWN')
  assertProblem(await call('DELETE', '/v1/users/carol/generations/1'), 404, 'USER_UNKNOWN')
  assertProblem(await call('POST', '/v1/users/carol/rotate'), 404, 'USER_UNKNOWN')
  for (const wrong of ['0', '-1', 'x', '1e1', '1?force=no', '1?x=1']) {
    assertProblem(await call('DELETE', `${path}/${wrong}`), 400, 'REQUEST_INVALID')
  }

  await registry.assignPne({ gatewayIdentity, secondSeed: next, replaces: old })
  await registry.confirmPne({ gatewayIdentity, secondSeed: next })
  const before = (await call('GET', '/v1/users/alice')).body.generations
  const facts = (all: Record<string, unknown>[]) => all.map((row) => [row['generation'], row['keys'], row['retired']])
  assert.deepEqual(facts(before), [
    [1, 1, false],
    [2, 1, false],
  ])
  assert.match(before[1].created, /^\d{4}-\d\d-\d\dT.*Z$/)
  const { body } = await call('DELETE', `${path}/1?force=true`)
  assert.deepEqual(body, { name: 'alice', generation: 1, keys: 1, pnes: 0, erased: true })
  assert.deepEqual(facts((await call('GET', '/v1/users/alice')).body.generations), [
    [1, 0, true],
    [2, 1, false],
  ])
  const pne = (await call('GET', `/v1/pnes/${pneId}`)).body
  assert.deepEqual([pne.state, pne.generation], ['active', 2])
  assert.ok(Date.parse(pne.keyCreated) >= Date.parse(pne.created))
})

test('a RADIUS client is added with its address, and gets a secret that can be typed', async (t) => {
  const { call } = await openDoor(t)
  await call('POST', '/v1/users', { name: 'alice' })
  const add = (name: string, radius: unknown) => call('POST', '/v1/gateways', { name, user: 'alice', radius })
  const { status, body } = await add('ap', '192.0.2.0/24')
  const { secret, ...facts } = body
  const identity = 'ap@example.org'
  assert.deepEqual(facts, { name: 'ap', identity, kind: 'radius', radius: '192.0.2.0/24', realm: 'example.org' })
  assert.equal(status, 201)
  assert.match(secret, /^[\w-]{32}$/)
  await call('POST', '/v1/gateways', { name: 'home', user: 'alice' })
  const { items } = (await call('GET', '/v1/gateways')).body
  assert.deepEqual(
    items.map((item: Record<string, unknown>) => [item['identity'], item['kind'], item['radius']]),
    [
      [identity, 'radius', '192.0.2.0/24'],
      ['home@example.org', 'cpns', null],
    ],
  )
  assertProblem(await add('ap2', '192.0.2.0/24'), 409, 'ADDRESS_TAKEN')
  assertProblem(await add('ap2', '192.0.2.1/24'), 400, 'ADDRESS_INVALID')
  for (const radius of ['', null, 1, 'x'.repeat(65)]) assertProblem(await add('ap2', radius), 400, 'REQUEST_INVALID')
})

test('no answer but the one that adds a gateway holds a secret or a seed', async (t) => {
  const { call, registry, lines } = await openDoor(t)
  await call('POST', '/v1/users', { name: 'alice' })
  const { body } = await call('POST', '/v1/gateways', { name: 'home', user: 'alice' })
  const secondSeed = randomBytes(32)
  const { firstSeed } = await registry.assignPne({ gatewayIdentity: body.identity, secondSeed })
  const answers = await Promise.all(['users', 'gateways', 'pnes', 'events'].map((noun) => call('GET', `/v1/${noun}`)))
  const shown = JSON.stringify([answers.map((answer) => answer.body), lines])
  const secret = Buffer.from(body.secret, 'base64url')
  for (const octets of [secret, firstSeed, secondSeed, Buffer.from(token)]) {
    for (const form of ['base64url', 'base64', 'hex', 'latin1'] as const)
      assert.ok(!shown.includes(octets.toString(form)))
  }
  assert.ok(!shown.toLowerCase().includes('seed') && !shown.includes('"secret"'))
})

test('without the token, nothing but /healthz answers, not even to say that a path is unknown', async (t) => {
  const { fetchJson } = await openDoor(t)
  const wrong = [
    undefined,
    '',
    'Bearer',
    `Basic ${token}`,
    token,
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token.slice(0, -1)}`,
    'Bearer é',
  ]
  for (const authorization of wrong) {
    const headers = authorization === undefined ? {} : { authorization }
    for (const [method, path] of [
      ['GET', '/v1/pnes'],
      ['POST', '/v1/users'],
      ['GET', '/nothing'],
      ['DELETE', '/v1/users'],
    ]) {
      const answer = await fetchJson(path ?? '', { method: method ?? '', headers })
      assertProblem(answer, 401, 'TOKEN_REQUIRED')
    }
  }
  const health = await fetchJson('/healthz', {})
  assert.deepEqual([health.status, health.body], [200, { status: 'ok', realm: 'example.org' }])
})

test('what is not there is told as not there', async (t) => {
  const { call } = await openDoor(t)
  assertProblem(await call('GET', '/v1/nothing'), 404, 'ROUTE_UNKNOWN')
  assertProblem(await call('DELETE', '/v1/users'), 404, 'ROUTE_UNKNOWN')
  assertProblem(await call('GET', '/v1/pnes/pne-none'), 404, 'PNE_UNKNOWN')
  assertProblem(await call('POST', '/v1/pnes/pne-none/revoke'), 404, 'PNE_UNKNOWN')
  assertProblem(await call('POST', '/v1/gateways', { name: 'home', user: 'nobody' }), 404, 'USER_UNKNOWN')
})

test('what is there already, or not clear, is a conflict', async (t) => {
  const { call, registry } = await openDoor(t)
  await call('POST', '/v1/users', { name: 'alice' })
  await call('POST', '/v1/gateways', { name: 'home', user: 'alice' })
  assertProblem(await call('POST', '/v1/users', { name: 'alice' }), 409, 'USER_EXISTS')
  assertProblem(await call('POST', '/v1/gateways', { name: 'home', user: 'alice' }), 409, 'GATEWAY_EXISTS')
  for (const secondSeed of [randomBytes(32), randomBytes(32)]) {
    await registry.assignPne({ gatewayIdentity: 'home@example.org', secondSeed })
  }
  assertProblem(await call('GET', '/v1/pnes/pne-'), 409, 'PNE_AMBIGUOUS')
})

test('a request that its schema does not allow is refused, not repaired', async (t) => {
  const { call } = await openDoor(t)
  const bodies = [
    {},
    [],
    null,
    'alice',
    { name: 5 },
    { name: '' },
    { name: 'a'.repeat(64) },
    { name: 'alice', admin: true },
  ]
  for (const body of bodies) {
    assertProblem(await call('POST', '/v1/users', body), 400, 'REQUEST_INVALID')
  }
  assertProblem(await call('POST', '/v1/users', { name: 'Alice' }), 400, 'NAME_INVALID')
  const queries = [
    'limit=0',
    'limit=1001',
    'limit=-1',
    'limit=1e2',
    'limit=',
    'limit=1&limit=2',
    'cursor=',
    'unknown=1',
  ]
  for (const query of queries) {
    assertProblem(await call('GET', `/v1/users?${query}`), 400, 'REQUEST_INVALID')
  }
  for (const query of ['state=dead', `q=${'x'.repeat(65)}`, 'state=active&state=pending']) {
    assertProblem(await call('GET', `/v1/pnes?${query}`), 400, 'REQUEST_INVALID')
  }
  assertProblem(await call('GET', '/v1/pnes?cursor=x'), 400, 'STORE_CURSOR_INVALID')
  for (const query of ['type=gossip', 'before=0', 'before=x']) {
    assertProblem(await call('GET', `/v1/events?${query}`), 400, 'REQUEST_INVALID')
  }
  assert.deepEqual((await call('GET', '/v1/users')).body, { items: [], next: null })
})

test('a body that is no JSON, of another type, or too large is refused', async (t) => {
  const { fetchJson } = await openDoor(t)
  const post = (type: string, body: string) =>
    fetchJson('/v1/users', {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
    })
  assertProblem(await post('application/json', '{"name":'), 400, 'REQUEST_INVALID')
  assertProblem(await post('application/json', ''), 400, 'REQUEST_INVALID')
  assertProblem(await post('application/json', '{"__proto__":{"name":"alice"}}'), 400, 'REQUEST_INVALID')
  assertProblem(await post('text/xml', '<name/>'), 415, 'MEDIA_TYPE_UNSUPPORTED')
  assertProblem(await post('application/json', JSON.stringify({ name: 'a'.repeat(65_536) })), 413, 'BODY_TOO_LARGE')
})

test('lists come in pages', async (t) => {
  const { call } = await openDoor(t)
  for (const name of ['a', 'b', 'c']) await call('POST', '/v1/users', { name })
  const first = (await call('GET', '/v1/users?limit=2')).body
  const second = (await call('GET', `/v1/users?limit=2&cursor=${first.next}`)).body
  assert.deepEqual(
    [...first.items, ...second.items].map((user) => user.name),
    ['a', 'b', 'c'],
  )
  assert.equal(second.next, null)
})

test('an error of ours is told as one, without what it says', async (t) => {
  const { call, registry, lines } = await openDoor(t)
  t.mock.method(registry, 'listUsers', async () => {
    throw new Error('sensitive detail')
  })
  const answer = await call('GET', '/v1/users')
  assertProblem(answer, 500, 'INTERNAL_ERROR')
  assert.ok(!JSON.stringify(answer.body).includes('sensitive'))
  assert.ok(lines.some((line) => JSON.stringify(line).includes('an admin request failed')))
  t.mock.method(registry, 'listUsers', async () => {
    throw new StoreError('STORE_BUSY', 'try again')
  })
  assertProblem(await call('GET', '/v1/users'), 503, 'STORE_BUSY')
})

test('a path that cannot be decoded is refused', async (t) => {
  const { call } = await openDoor(t)
  assertProblem(await call('GET', '/v1/pnes/%zz'), 400, 'REQUEST_INVALID')
})

test('what is not HTTP is refused in the same form', async (t) => {
  const { port, host } = await openDoor(t)
  const socket = connect(port, host)
  socket.end('NOT HTTP\r\n\r\n')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json/)
  assert.equal(JSON.parse(body).code, 'REQUEST_INVALID')
})

test('nothing keeps an answer: caches are told not to', async (t) => {
  const { url } = await openDoor(t)
  for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
    const response = await fetch(`${url}/v1/users`, { headers })
    assert.equal(response.headers.get('cache-control'), 'no-store')
    await response.body?.cancel()
  }
})

test('the door listens at the loopback address unless told otherwise, and says when a port is taken', async (t) => {
  const { host, port, registry, events } = await openDoor(t)
  assert.equal(host, '127.0.0.1')
  const second = createAdminDoor({ registry, events, token })
  await assert.rejects(second.listen('127.0.0.1', port), { code: 'PORT_TAKEN', message: /choose another port/ })
  await second.close()
  const third = createAdminDoor({ registry, events, token, isExposed: true })
  await assert.rejects(third.listen('192.0.2.1', 0), { code: 'LISTEN_FAILED' })
  await third.close()
})

test('closing the door ends its connections, idle or in the middle of a request', { timeout: 60_000 }, async (t) => {
  const { door, url, host, port } = await openDoor(t)
  await (await fetch(`${url}/healthz`)).text()
  const slow = connect(port, host)
  await once(slow, 'connect')
  slow.write('POST /v1/users HTTP/1.1\r\nhost: x\r\n')
  const ended = once(slow.resume(), 'close')
  await (await fetch(`${url}/healthz`)).text() // so that the door has seen the slow one
  await door.close()
  await ended
  await assert.rejects(fetch(`${url}/healthz`))
})
