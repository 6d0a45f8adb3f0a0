// What comes twice: a request whose answer was lost, and two operators who edit one thing.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../../../../test/support/until.ts'
import { addUser, GATEWAY } from '../store/furnish.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { type Answer, openAdmin } from './admin-door.ts'

async function openDoor(t: TestContext, path?: string) {
  const clock = { at: Date.UTC(2030, 0, 1) }
  const admin = await openAdmin(t, { now: () => clock.at, ...(path !== undefined && { path }) })
  const post = (path: string, key: string, body: unknown, token?: string) =>
    admin.call('POST', path, { headers: { 'idempotency-key': key }, body, token })
  return { ...admin, clock, post }
}

function replayed({ headers }: Answer): boolean {
  return headers.get('idempotent-replayed') === 'true'
}

const shed = { name: 'shed', user: 'alice' }

test('the same request with the same key gets the same answer, secret and all, and is carried out once', async (t) => {
  const { post, call } = await openDoor(t)
  const first = await post('/v1/gateways', 'k1', shed)
  const second = await post('/v1/gateways', 'k1', shed)
  assert.deepEqual([first.status, replayed(first), replayed(second)], [201, false, true])
  assert.deepEqual([second.status, second.body], [first.status, first.body])
  assert.equal(first.body.secret.length, 43)
  assert.equal((await call('GET', '/v1/audit')).body.items.length, 1)
  const [user, again] = [
    await post('/v1/users', 'k2', { name: 'carol' }),
    await post('/v1/users', 'k2', { name: 'carol' }),
  ]
  assert.deepEqual([user.status, again.status, again.body.name], [201, 201, 'carol'])
  const [made, shown] = [
    await post('/v1/tokens', 'k3', { name: 'dora', role: 'viewer' }),
    await post('/v1/tokens', 'k3', { name: 'dora', role: 'viewer' }),
  ]
  assert.equal(made.body.token, shown.body.token)
  const ticket = '/v1/gateways/home/tickets'
  assert.deepEqual((await post(ticket, 'k4', {})).body, (await post(ticket, 'k4', {})).body)
})

test('without a key, a request is carried out each time that it comes', async (t) => {
  const { call } = await openDoor(t)
  assert.equal((await call('POST', '/v1/users', { body: { name: 'carol' } })).status, 201)
  assert.equal((await call('POST', '/v1/users', { body: { name: 'carol' } })).body.code, 'USER_EXISTS')
})

test('a key that came with another request is refused', async (t) => {
  const { post, store } = await openDoor(t)
  await post('/v1/users', 'k1', { name: 'carol' })
  for (const [path, body] of [
    ['/v1/users', { name: 'dan' }],
    ['/v1/gateways', shed],
  ] as const) {
    const answer = await post(path, 'k1', body)
    assert.deepEqual([answer.status, answer.body.code], [422, 'IDEMPOTENCY_KEY_REUSED'])
  }
  assert.equal(await store.findUser('dan'), undefined)
})

test('a key is of the token that it came with', async (t) => {
  const { post, tokenOf } = await openDoor(t)
  const dora = await tokenOf('admin', 'dora')
  assert.equal((await post('/v1/users', 'k1', { name: 'carol' })).status, 201)
  assert.equal((await post('/v1/users', 'k1', { name: 'dan' }, dora)).status, 201)
})

test('a key has visible ASCII characters, 1 to 128', async (t) => {
  const { post } = await openDoor(t)
  for (const key of ['', 'a b', 'k'.repeat(129), 'schlüssel', 'k,k2 ']) {
    if (key === 'k,k2 ') continue
    const answer = await post('/v1/users', key, { name: 'carol' })
    assert.deepEqual([answer.status, answer.body.code], [400, 'IDEMPOTENCY_KEY_INVALID'], key)
  }
  assert.equal((await post('/v1/users', `~!${'k'.repeat(126)}`, { name: 'carol' })).status, 201)
})

test('of two requests that come at once with one key, one is carried out, and the other told to wait', async (t) => {
  const { post, registry } = await openDoor(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  const add = registry.addUser.bind(registry)
  const held = t.mock.method(registry, 'addUser', async (name: string) => {
    await promise
    return add(name)
  })
  const first = post('/v1/users', 'k1', { name: 'carol' })
  await until(() => held.mock.callCount() === 1)
  const second = await post('/v1/users', 'k1', { name: 'carol' })
  assert.deepEqual([second.status, second.body.code], [409, 'REQUEST_UNDER_WAY'])
  assert.equal(second.headers.get('retry-after'), '1')
  resolve()
  assert.equal((await first).status, 201)
  assert.ok(replayed(await post('/v1/users', 'k1', { name: 'carol' })))
})

test('a request that was refused is carried out again: its key is free', async (t) => {
  const { post } = await openDoor(t)
  const body = { name: 'shed', user: 'carol' }
  assert.equal((await post('/v1/gateways', 'k1', body)).body.code, 'USER_UNKNOWN')
  assert.equal((await post('/v1/users', 'k2', { name: 'carol' })).status, 201)
  assert.equal((await post('/v1/gateways', 'k1', body)).status, 201)
})

test('an answer outlives the server, for a day', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const before = await openDoor(t, path)
  const first = await before.post('/v1/gateways', 'k1', shed)
  await before.close()
  const after = await openDoor(t, path)
  after.clock.at += 24 * 3_600_000
  assert.deepEqual((await after.post('/v1/gateways', 'k1', shed)).body, first.body)
  after.clock.at += 1
  assert.equal((await after.post('/v1/gateways', 'k1', shed)).body.code, 'GATEWAY_EXISTS')
})

test('after a crash in the middle, a request is carried out anew once nobody can be at it any more', async (t) => {
  const { post, registry, clock } = await openDoor(t)
  // What a server leaves that ends between taking the key and making the change.
  const crashed = t.mock.method(registry.operators.answers, 'drop', async () => {})
  const failing = t.mock.method(registry, 'addUser', () => Promise.reject(new Error('crashed')))
  assert.equal((await post('/v1/users', 'k1', { name: 'carol' })).status, 500)
  crashed.mock.restore()
  failing.mock.restore()
  clock.at += 30_000
  assert.equal((await post('/v1/users', 'k1', { name: 'carol' })).body.code, 'REQUEST_UNDER_WAY')
  clock.at += 1
  assert.equal((await post('/v1/users', 'k1', { name: 'carol' })).status, 201)
  assert.ok(replayed(await post('/v1/users', 'k1', { name: 'carol' })))
})

test('of two who edit one user, the second is told that it changed meanwhile', async (t) => {
  const { call, store } = await openDoor(t)
  const seen = await call('GET', '/v1/users/alice')
  const tag = seen.headers.get('etag') ?? ''
  assert.deepEqual([tag, seen.body.version], ['"1"', 1])
  const change = (roaming: string, headers: Record<string, string> = {}) =>
    call('PATCH', '/v1/users/alice', { headers, body: { policy: { roaming } } })
  const both = await Promise.all([change('none', { 'if-match': tag }), change('listed', { 'if-match': tag })])
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 412])
  const [won] = both.filter(({ status }) => status === 200)
  const [lost] = both.filter(({ status }) => status === 412)
  assert.deepEqual([won?.headers.get('etag'), won?.body.version, lost?.body.code], ['"2"', 2, 'CHANGED_MEANWHILE'])
  assert.equal((await store.findUser('alice'))?.roaming, won?.body.policy.roaming)
  assert.equal((await change('any', { 'if-match': '"2"' })).headers.get('etag'), '"3"')
})

test('of two who edit one gateway, the second is told so too, also when the first revoked it', async (t) => {
  const { call } = await openDoor(t)
  const { headers, body } = await call('GET', '/v1/gateways/home')
  const match = { 'if-match': headers.get('etag') ?? '' }
  assert.deepEqual([match['if-match'], body.version], ['"1"', 1])
  const change = () => call('PATCH', '/v1/gateways/home', { headers: match, body: { visitors: false } })
  const first = await change()
  assert.deepEqual([first.status, first.headers.get('etag'), first.body.visitors], [200, '"2"', false])
  assert.equal((await change()).body.code, 'CHANGED_MEANWHILE')
  await call('POST', `/v1/gateways/${GATEWAY}/revoke`)
  assert.equal((await call('GET', '/v1/gateways/home')).headers.get('etag'), '"3"')
})

test('a change for no version, or for any, is made; one for what is no version is not', async (t) => {
  const { call } = await openDoor(t)
  const change = (headers: Record<string, string>) =>
    call('PATCH', '/v1/users/alice', { headers, body: { policy: { sessionsMax: 2 } } })
  assert.equal((await change({})).status, 200)
  assert.equal((await change({ 'if-match': '*' })).status, 200)
  for (const tag of ['3', '"x"', 'W/"3"', '"3", "4"', '""', '"03"']) {
    const answer = await change({ 'if-match': tag })
    assert.deepEqual([answer.status, answer.body.code], [412, 'CHANGED_MEANWHILE'], tag)
  }
  assert.equal((await change({ 'if-match': ' "3" ' })).status, 200)
})

test('a user shows how many devices there are, a gateway whether it is connected', async (t) => {
  const { call, store } = await openDoor(t)
  await addUser(store, 'carol')
  assert.deepEqual((await call('GET', '/v1/users/carol')).body.pnes, { pending: 0, active: 0, revoked: 0 })
  const { items } = (await call('GET', '/v1/gateways')).body
  assert.deepEqual(
    items.map((item: Record<string, unknown>) => [item['identity'], item['connected'], item['connectedSince']]),
    [
      [GATEWAY, true, new Date(1000).toISOString()],
      ['lobby@example.org', false, null],
    ],
  )
  await call('POST', '/v1/gateways', { body: { name: 'ap', user: 'alice', radius: '192.0.2.1' } })
  assert.equal((await call('GET', '/v1/gateways/ap')).body.connected, null)
})
