// Who may do what at the admin API. The routes come from its own description: one that is new must be entered here.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { roles } from '../../src/operators/roles.ts'
import type { Role } from '../../src/store/contract-operator.ts'
import { activePne, GATEWAY } from '../store/furnish.ts'
import { type Answer, localToken, openAdmin } from './admin-door.ts'

interface Route {
  /** The least role; undefined for anyone. */
  role?: Role
  /** A request that goes well; `PNE`, `USER`, `TOKEN` and the like stand for what a test makes for it. */
  path?: string
  body?: unknown
  /** As the audit log calls it, and the target; only of what changes something. */
  audit?: [action: string, target: string]
}

const ticket = '/v1/gateways/home/tickets'

const routes: Record<string, Route> = {
  'GET /healthz': {},
  'GET /readyz': {},
  'GET /openapi.json': {},
  'POST /v1/session': { body: { token: localToken }, audit: ['session.open', 'local'] },
  'GET /v1/session': { role: 'viewer' },
  'DELETE /v1/session': { role: 'viewer', audit: ['session.close', 'admin'] },

  'GET /v1/overview': { role: 'viewer' },
  'GET /v1/stream': { role: 'viewer' },
  'GET /v1/authentications': { role: 'viewer' },
  'GET /v1/authentications/{id}': { role: 'viewer', path: '/v1/authentications/1' },
  'GET /v1/users': { role: 'viewer' },
  'GET /v1/users/{name}': { role: 'viewer', path: '/v1/users/alice' },
  'GET /v1/gateways': { role: 'viewer' },
  'GET /v1/gateways/{name}': { role: 'viewer', path: '/v1/gateways/home' },
  'GET /v1/gateways/{name}/tickets/{ticket}': { role: 'viewer', path: `${ticket}/AAAAAAAAAAAAAAAAAAAAAA` },
  'GET /v1/pnes': { role: 'viewer' },
  'GET /v1/pnes/{id}': { role: 'viewer', path: '/v1/pnes/PNE' },
  'GET /v1/pns': { role: 'viewer' },
  'GET /v1/pns/{name}': { role: 'viewer', path: '/v1/pns/home' },
  'GET /v1/sessions': { role: 'viewer' },
  'GET /v1/events': { role: 'viewer' },

  'GET /v1/audit': { role: 'operator' },
  'PATCH /v1/users/{name}': {
    role: 'operator',
    path: '/v1/users/alice',
    body: { policy: { roaming: 'none' } },
    audit: ['user.policy', 'alice'],
  },
  'PATCH /v1/gateways/{name}': {
    role: 'operator',
    path: '/v1/gateways/home',
    body: { visitors: false },
    audit: ['gateway.policy', GATEWAY],
  },
  'POST /v1/gateways/{name}/tickets': {
    role: 'operator',
    path: ticket,
    body: { name: 'Lamp' },
    audit: ['gateway.ticket', GATEWAY],
  },
  'POST /v1/pnes/{id}/rotate': { role: 'operator', path: '/v1/pnes/PNE/rotate', audit: ['pne.rotate', 'PNE'] },
  'POST /v1/pnes/{id}/revoke': { role: 'operator', path: '/v1/pnes/PNE/revoke', audit: ['pne.revoke', 'PNE'] },

  'GET /v1/tokens': { role: 'admin' },
  'POST /v1/tokens': { role: 'admin', body: { name: 'dora', role: 'viewer' }, audit: ['token.add', 'dora'] },
  'DELETE /v1/tokens/{id}': { role: 'admin', path: '/v1/tokens/spare', audit: ['token.revoke', 'spare'] },
  'POST /v1/users': { role: 'admin', body: { name: 'carol' }, audit: ['user.add', 'carol'] },
  'POST /v1/users/{name}/rotate': { role: 'admin', path: '/v1/users/alice/rotate', audit: ['user.rotate', 'alice'] },
  'DELETE /v1/users/{name}/generations/{generation}': {
    role: 'admin',
    path: '/v1/users/bob/generations/1',
    audit: ['generation.retire', 'bob/1'],
  },
  'DELETE /v1/users/{name}': { role: 'admin', path: '/v1/users/bob', audit: ['user.remove', 'bob'] },
  'POST /v1/gateways': {
    role: 'admin',
    body: { name: 'shed', user: 'alice' },
    audit: ['gateway.add', 'shed@example.org'],
  },
  'POST /v1/gateways/{name}/revoke': {
    role: 'admin',
    path: '/v1/gateways/home/revoke',
    audit: ['gateway.revoke', GATEWAY],
  },
}

/** A door with what the requests need, and a way to send each of them. */
async function openAll(t: TestContext, now = Date.now) {
  const admin = await openAdmin(t, { now })
  const { store, registry } = admin
  const { pneId } = await activePne(store)
  await registry.renewFirstSeed('bob')
  const tokens = Object.fromEntries(await Promise.all(roles.map(async (role) => [role, await admin.tokenOf(role)])))
  await admin.tokenOf('viewer', 'spare')
  const send = (name: string, token = '', body = routes[name]?.body) => {
    const [method = '', pattern = ''] = name.split(' ')
    return admin.call(method, (routes[name]?.path ?? pattern).replace('PNE', pneId), { token, body })
  }
  return { ...admin, pneId, tokens: tokens as Record<Role, string>, send }
}

function assertProblem({ status, headers, body }: Answer, expected: number, code: string, of: string): void {
  assert.deepEqual([status, body.status, body.code], [expected, expected, code], of)
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/, of)
  assert.deepEqual(Object.keys(body).sort(), ['code', 'detail', 'status', 'title', 'type'], of)
}

const guarded = Object.entries(routes).filter(([, { role }]) => role !== undefined)
const changing = Object.entries(routes).filter(([name]) => !name.startsWith('GET'))
/** A stream does not end by itself. */
const finite = guarded.filter(([name]) => name !== 'GET /v1/stream')

test('this table has each route that the API describes, with the role that it says', async (t) => {
  const { call } = await openAdmin(t)
  const { paths } = (await call('GET', '/openapi.json')).body
  const described = Object.entries(paths as Record<string, Record<string, { 'x-role'?: Role }>>).flatMap(
    ([path, operations]) =>
      Object.entries(operations).map(([method, of]) => [`${method.toUpperCase()} ${path}`, of['x-role']] as const),
  )
  const entered = Object.entries(routes).map(([name, { role }]) => [name, role])
  assert.deepEqual(Object.fromEntries(described.toSorted()), Object.fromEntries(entered.toSorted()))
})

test('no route but those for anyone answers without a good token, and all refuse alike', async (t) => {
  let clock = Date.now()
  const { send, tokens, registry } = await openAll(t, () => clock)
  const { tokens: of } = registry.operators
  const { token: expired } = await of.add({ name: 'old', role: 'admin', expiresInS: 60, by: 'local' })
  await of.revoke('admin')
  clock += 60_000
  const bodies = new Set<string>()
  for (const [name] of guarded) {
    for (const token of ['', 'x', `${localToken}x`, localToken.slice(1), tokens.admin, expired]) {
      const answer = await send(name, token)
      assertProblem(answer, 401, 'TOKEN_REQUIRED', `${name} with ${token.length} characters`)
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="opencpns"')
      bodies.add(JSON.stringify(answer.body))
    }
  }
  assert.equal(bodies.size, 1)
})

test('each route refuses every role below its own', async (t) => {
  const { send, tokens, store, pneId } = await openAll(t)
  for (const [name, { role = 'viewer' }] of guarded) {
    for (const lower of roles.slice(0, roles.indexOf(role))) {
      assertProblem(await send(name, tokens[lower]), 403, 'ROLE_INSUFFICIENT', `${name} as ${lower}`)
    }
  }
  assert.equal((await store.findPne(pneId))?.state, 'active')
  assert.deepEqual(await store.listAudit({ limit: 10 }), [])
})

test('each route lets in the role that it needs, and every higher one', async (t) => {
  const { send, tokens } = await openAll(t)
  for (const [name, { role: needed = 'viewer' }] of finite) {
    for (const role of roles.slice(roles.indexOf(needed))) {
      const { status } = await send(name, tokens[role])
      // What one has changed already, the next one cannot.
      assert.ok(status < 300 || [404, 409].includes(status), `${name} as ${role}: ${status}`)
    }
  }
})

test('each change is in the audit log: who, what, of what, from where, and that it was done', async (t) => {
  const { send, tokens, pneId, store, call, live } = await openAll(t)
  const told: { action: string }[] = []
  t.mock.method(live, 'audited', (row: { action: string }) => told.push(row))
  for (const [name, { audit, role }] of changing) {
    assert.ok(audit, `${name} has no name in the audit log`)
    const before = Date.now()
    const { status } = await send(name, role && tokens.admin)
    assert.ok(status < 300, `${name}: ${status}`)
    const [row] = (await call('GET', '/v1/audit?limit=1')).body.items
    const actor = role === undefined ? 'local' : 'admin'
    const [action, target] = audit
    assert.deepEqual(
      [row.action, row.target, row.actor, row.role, row.from, row.outcome],
      [action, target.replace('PNE', pneId), actor, 'admin', '127.0.0.1', 'done'],
      name,
    )
    assert.ok(Date.parse(row.at) >= before && Date.parse(row.at) <= Date.now(), name)
  }
  const rows = await store.listAudit({ limit: 1000 })
  assert.equal(rows.length, changing.length)
  assert.deepEqual(
    told.map(({ action }) => action),
    rows
      .map(({ action }) => action)
      .toReversed()
      .slice(1),
  )
  for (const secret of [...Object.values(tokens), localToken]) assert.ok(!JSON.stringify(rows).includes(secret))
})

test('a change that cannot be entered in the audit log is not made', async (t) => {
  const { send, tokens, registry, store, pneId, rotated } = await openAll(t)
  t.mock.method(registry.operators.audit, 'begin', async () => {
    throw Object.assign(new Error('disk full'), { code: 'STORE_FULL' })
  })
  const before = await store.counts()
  for (const [name, { role }] of changing) {
    const { status } = await send(name, role && tokens.admin)
    assert.equal(status, 500, name)
  }
  assert.deepEqual([await store.counts(), rotated], [before, []])
  assert.equal((await store.findPne(pneId))?.state, 'active')
  assert.deepEqual([(await store.findUser('alice'))?.version, (await store.findUser('alice'))?.roaming], [1, 'any'])
})

test('a change that is refused is in the audit log with the code of the refusal', async (t) => {
  const { call } = await openAdmin(t)
  await call('POST', '/v1/pnes/pne-none/revoke')
  await call('POST', '/v1/users', { body: { name: 'alice' } })
  await call('POST', '/v1/users', { body: { name: 'Alice!' } })
  const { items } = (await call('GET', '/v1/audit')).body
  assert.deepEqual(
    items.map((row: Record<string, unknown>) => [row['action'], row['target'], row['outcome']]),
    [
      ['user.add', 'Alice!', 'NAME_INVALID'],
      ['user.add', 'alice', 'USER_EXISTS'],
      ['pne.revoke', 'pne-none', 'PNE_UNKNOWN'],
    ],
  )
})

test('the outcome of a change is null while nobody knows it', async (t) => {
  const { call, registry } = await openAdmin(t)
  t.mock.method(registry.operators.audit, 'end', async () => {
    throw new Error('disk full')
  })
  assert.equal((await call('POST', '/v1/users', { body: { name: 'carol' } })).status, 201)
  const [row] = (await call('GET', '/v1/audit')).body.items
  assert.deepEqual([row.target, row.outcome], ['carol', null])
})

test('the audit log is found by actor, action and target, and from any row backwards', async (t) => {
  const { call, tokenOf } = await openAdmin(t)
  const dora = await tokenOf('operator', 'dora')
  await call('PATCH', '/v1/gateways/home', { token: dora, body: { visitors: false } })
  await call('PATCH', '/v1/gateways/lobby@example.org', { body: { visitors: false } })
  await call('PATCH', '/v1/users/alice', { body: { policy: { sessionsMax: 3 } } })
  const list = async (query: string) =>
    (await call('GET', `/v1/audit?${query}`)).body.items.map(({ target }: { target: string }) => target)
  assert.deepEqual(await list(''), ['alice', 'lobby@example.org', GATEWAY])
  assert.deepEqual(await list('actor=dora'), [GATEWAY])
  assert.deepEqual(await list('action=gateway.policy&actor=local'), ['lobby@example.org'])
  assert.deepEqual(await list(`target=${GATEWAY}`), [GATEWAY])
  assert.deepEqual(await list('limit=1'), ['alice'])
  const [{ id, facts }] = (await call('GET', '/v1/audit')).body.items
  assert.deepEqual(facts, { policy: { sessionsMax: 3 } })
  assert.deepEqual(await list(`before=${id}&limit=1`), ['lobby@example.org'])
})

test('no route takes a field that it does not know, nor a body that is too large or no JSON', async (t) => {
  const { send, call, tokens, pneId } = await openAll(t)
  for (const [name, { body, path }] of guarded) {
    const [method = '', pattern = ''] = name.split(' ')
    const to = `${(path ?? pattern).replace('PNE', pneId)}?nosuchfield=1`
    assertProblem(await call(method, to, { body }), 400, 'REQUEST_INVALID', name)
  }
  for (const [name, { body, role }] of changing) {
    const token = role && tokens.admin
    assertProblem(await send(name, token, { ...(body as object), nosuchfield: 1 }), 400, 'REQUEST_INVALID', name)
    assertProblem(await send(name, token, 'x'.repeat(70_000)), 413, 'BODY_TOO_LARGE', name)
    assertProblem(await send(name, token, '{"a":'), 400, 'REQUEST_INVALID', name)
    if (body !== undefined) assertProblem(await send(name, token, 'null'), 400, 'REQUEST_INVALID', name)
  }
  assert.deepEqual((await call('GET', '/v1/audit')).body.items, [])
})

test('a list takes only the cursors and limits that it may', async (t) => {
  const { call } = await openAdmin(t)
  const lists = ['users', 'gateways', 'pnes', 'pns', 'sessions', 'tokens', 'events', 'audit', 'authentications']
  for (const list of lists) {
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=', 'limit=1&limit=2', 'nosuchfield=1']) {
      assertProblem(await call('GET', `/v1/${list}?${query}`), 400, 'REQUEST_INVALID', `${list}?${query}`)
    }
  }
  for (const list of ['pnes', 'sessions', 'tokens']) {
    assertProblem(await call('GET', `/v1/${list}?cursor=-x`), 400, 'STORE_CURSOR_INVALID', list)
  }
  for (const list of ['events', 'audit', 'authentications']) {
    assertProblem(await call('GET', `/v1/${list}?before=x`), 400, 'REQUEST_INVALID', list)
  }
  const long = 'x'.repeat(600)
  for (const list of ['users', 'gateways', 'pnes']) {
    assertProblem(await call('GET', `/v1/${list}?cursor=${long}`), 400, 'REQUEST_INVALID', list)
  }
})

test('an unknown path or method is told to whoever has a token, and to nobody else', async (t) => {
  const { call, tokenOf } = await openAdmin(t)
  const viewer = await tokenOf('viewer')
  for (const [method, path] of [
    ['GET', '/v1/nothing'],
    ['PUT', '/v1/users/alice'],
    ['DELETE', '/v1/gateways/home'],
  ] as const) {
    assertProblem(await call(method, path, { token: viewer }), 404, 'ROUTE_UNKNOWN', path)
    assertProblem(await call(method, path, { token: '' }), 401, 'TOKEN_REQUIRED', path)
  }
})
