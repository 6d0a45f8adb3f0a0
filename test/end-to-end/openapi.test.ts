// The running server against its own description: every route is there and no other, and each answer, of success and of refusal,
// is as the document says.
import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { after, before, test } from 'node:test'
import { readGatewayStatus } from '@opencpns/gateway'
import { connect } from '@opencpns/pne'
import { readAdminAccess } from '@opencpns/server'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { Town } from '../support/stage.ts'
import { until } from '../support/until.ts'

// biome-ignore lint/suspicious/noExplicitAny: documents from outside, whose shape is what the test is about
type Json = any

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

/** What Fastify has registered, as `GET /v1/users/{name}`. Files and pages of the console are hidden: they are no operations. */
const routes = new Set<string>()
const hidden = new Set<string>()
subscribe('fastify.initialization', (message) => {
  const { fastify } = message as Json
  fastify.addHook('onRoute', ({ method, url, schema }: Json) => {
    for (const one of [method].flat()) {
      if (one !== 'HEAD') (schema?.hide ? hidden : routes).add(`${one} ${url.replace(/:([a-z]+)/g, '{$1}')}`)
    }
  })
})

let town: Town
let api: { url: string; token: string }
let document: Json
const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)

before(async () => {
  town = await Town.open()
  api = await readAdminAccess(town.stage.path('server'))
  document = await (await fetch(`${api.url}/openapi.json`)).json()
  ajv.addSchema({ $id: 'api', ...document })
})

after(() => town.close())

interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly is: Json
}

function operations(): Operation[] {
  return Object.entries<Json>(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      id: item[method].operationId,
      method,
      path,
      is: item[method],
    })),
  )
}

function operation(id: string): Operation {
  const found = operations().find((one) => one.id === id)
  assert.ok(found, `there is no operation ${id}`)
  return found
}

interface Asked {
  /** Of the path and of the query; a name in the path is taken for that. */
  readonly with?: Record<string, string>
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly token?: string | null
}

/** Asks, and checks that the answer is as the document says. */
async function ask(id: string, { with: values = {}, body, headers = {}, token = api.token }: Asked = {}) {
  const { method, path, is } = operation(id)
  const query = new URLSearchParams(values)
  const filled = path.replace(/\{([a-z]+)\}/g, (_, name) => {
    query.delete(name)
    return encodeURIComponent(values[name] ?? 'none')
  })
  const response = await fetch(`${api.url}${filled}${query.size > 0 ? `?${query}` : ''}`, {
    method: method.toUpperCase(),
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: await checked(response, is, `${method} ${filled}`),
  }
}

async function checked(response: Response, is: Json, what: string): Promise<Json> {
  const { status } = response
  const key = [`${status}`, `${Math.floor(status / 100)}XX`].find((one) => is.responses[one])
  assert.ok(key, `${what}: ${status} is not in the document`)
  const { content } = is.responses[key]
  const text = await response.text()
  if (content === undefined) return assert.equal(text, '', what)
  const media = response.headers.get('content-type')?.split(';')[0] ?? ''
  assert.ok(content[media], `${what}: ${status} has the media type ${media}`)
  if (!media.endsWith('json')) return text
  const json = JSON.parse(text)
  assertValid(content[media].schema, json, `${what}: ${status}`)
  return json
}

function assertValid(schema: Json, json: Json, what: string): void {
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/'))
  const isValid = ajv.validate(local, json)
  assert.ok(isValid, `${what}: ${ajv.errorsText()} in ${JSON.stringify(json)}`)
}

test('the document is OpenAPI 3.1, each operation has a name, a summary, a known tag, and says what a refusal is', async () => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(document))
  assert.ok(valid, JSON.stringify(errors))
  assert.equal(validator.version, '3.1')
  const ids = operations().map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length, 'names are used once')
  const tags = new Set(document.tags.map(({ name }: Json) => name))
  for (const { id, path, is } of operations()) {
    assert.match(id ?? path, /^[a-z][A-Za-z]+$/, `the name of ${path}`)
    assert.match(is.summary ?? '', /^[A-Z].*[^.]$/, `the summary of ${id}`)
    assert.ok(is.tags?.length === 1 && tags.has(is.tags[0]), `the tag of ${id}`)
    if (isOpen(is)) continue
    const refusal = is.responses['4XX']?.content?.['application/problem+json']?.schema
    assert.deepEqual(refusal, { $ref: '#/components/schemas/Problem' }, `a refusal of ${id}`)
  }
})

test('every route of the running server is in the document, and nothing else is', () => {
  const documented = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  assert.deepEqual(documented.sort(), [...routes].sort())
  assert.deepEqual(
    [...hidden].filter((route) => /^(GET|HEAD) \/(?!v1)/.test(route) === false),
    [],
  )
  assert.ok(documented.length > 30, `there are ${documented.length}`)
})

test('what needs no token says so, and is what may be open', async () => {
  const open = operations().filter(({ is }) => isOpen(is))
  const ids = open.map(({ id }) => id).sort()
  assert.deepEqual(ids, ['describeApi', 'logIn', 'showHealth', 'showMetrics', 'showReadiness'])
  for (const { id, is } of operations()) {
    if (isOpen(is)) continue
    for (const token of [null, 'x', `${api.token}x`]) {
      const { status, body } = await ask(id, { token })
      assert.deepEqual([status, body.code], [401, 'TOKEN_REQUIRED'], id)
    }
  }
})

/** Whether it needs no token on a loopback listener. */
function isOpen({ security }: Json): boolean {
  return (
    security !== undefined && (security.length === 0 || security.some((one: Json) => Object.keys(one).length === 0))
  )
}

test('unknown fields of a query are refused, and so are bodies that are none', async () => {
  for (const { id, method, is } of operations()) {
    const isQueried = is.parameters?.some((parameter: Json) => parameter.in === 'query')
    if (isQueried) {
      const { status, body } = await ask(id, { with: { unknown: '1' }, ...(method !== 'get' && { body: {} }) })
      assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID'], id)
    }
    if (!is.requestBody) continue
    for (const wrong of [{ unknown: 1 }, [], 'text', 1, null]) {
      const { status, body } = await ask(id, { body: wrong })
      assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID'], `${id} with ${JSON.stringify(wrong)}`)
    }
    const { status } = await ask(id, { body: { name: 'x'.repeat(70_000) } })
    assert.equal(status, 413, id)
  }
})

test('what is not there is 404 in each operation that names something', async () => {
  const bodies: Record<string, unknown> = {
    changeUser: { policy: { roaming: 'any' } },
    changeGateway: { visitors: true },
    makeTicket: {},
  }
  const names: Record<string, string> = {
    generation: '1',
    ticket: 'AAAAAAAAAAAAAAAAAAAAAA',
    id: '999999999',
    name: 'nobody',
  }
  for (const { id, path } of operations()) {
    if (!path.includes('{')) continue
    const { status, body } = await ask(id, {
      with: pathOf(path, names),
      ...(bodies[id] !== undefined && { body: bodies[id] }),
    })
    assert.deepEqual([id, status], [id, 404])
    assert.match(body.code, /_UNKNOWN$/)
  }
})

function pathOf(path: string, names: Record<string, string>): Record<string, string> {
  return Object.fromEntries([...path.matchAll(/\{([a-z]+)\}/g)].map(([, name = '']) => [name, names[name] ?? 'none']))
}

/** An operation, the status that it must have, and what it is asked with. */
type Deed = readonly [id: string, status: number, asked?: Asked]

test('each operation answers as the document says', async () => {
  const told = new Set<string>()
  const follow = async (deeds: readonly Deed[]) => {
    for (const [id, status, asked] of deeds) {
      const answer = await ask(id, asked)
      assert.deepEqual([id, answer.status], [id, status], JSON.stringify(answer.body))
      told.add(id)
    }
  }
  const presence = await connect({ ...town.home.address, credential: town.watch })
  const { pneId } = town.watch
  const alice = { name: 'alice' }
  const home = { name: 'home-gw' }
  const policy = { roaming: 'any', sessionsMax: 5 }

  await follow([
    ['describeApi', 200],
    ['showHealth', 200],
    ['showReadiness', 200],
    ['showMetrics', 200],
    ['addUser', 201, { body: { name: 'bob' }, headers: { 'idempotency-key': 'one' } }],
    ['addUser', 201, { body: { name: 'bob' }, headers: { 'idempotency-key': 'one' } }],
    ['addUser', 422, { body: { name: 'carol' }, headers: { 'idempotency-key': 'one' } }],
    ['addUser', 409, { body: { name: 'bob' } }],
    ['listUsers', 200, { with: { limit: '1' } }],
    ['showUser', 200, { with: alice }],
    ['changeUser', 200, { with: alice, body: { policy } }],
    ['changeUser', 412, { with: alice, body: { policy }, headers: { 'if-match': '"99"' } }],
    ['addGateway', 201, { body: { name: 'wifi', user: 'bob', radius: '192.0.2.0/24' } }],
    ['makeTicket', 409, { with: { name: 'wifi' }, body: {} }],
    ['listGateways', 200],
    ['showGateway', 200, { with: home }],
    ['changeGateway', 200, { with: { name: 'hotel-gw' }, body: { visitors: false } }],
  ])
  await until(async () => (await readGatewayStatus(town.stage.path('hotel-gw'))).policy.visitors === false)
  await assert.rejects(connect({ ...town.hotel.address, credential: town.watch }))
  await until(async () => (await ask('listAuthentications', { with: { result: 'refused' } })).body.items.length > 0)
  await until(async () => (await ask('showOverview')).body.registered === 1)
  const [newest] = (await ask('listAuthentications')).body.items
  const { ticket } = (await ask('makeTicket', { with: home, body: { name: 'lamp', lifetimeS: 60 } })).body
  const { id } = (await ask('addToken', { body: { name: 'dashboard', role: 'viewer' } })).body

  await follow([
    ['listAuthentications', 200, { with: { result: 'accepted', case: 'local', gateway: 'home-gw', limit: '5' } }],
    ['showAuthentication', 200, { with: { id: `${newest.id}` } }],
    ['showOverview', 200],
    ['makeTicket', 201, { with: home, body: {} }],
    ['showTicket', 200, { with: { ...home, ticket } }],
    ['listEvents', 200, { with: { type: 'authentication' } }],
    ['listPnes', 200, { with: { q: 'wat', state: 'active' } }],
    ['showPne', 200, { with: { id: pneId } }],
    ['rotatePne', 202, { with: { id: pneId } }],
    ['listPns', 200],
    ['showPn', 200, { with: home }],
    ['listSessions', 200, { with: { pne: pneId } }],
    ['revokePne', 200, { with: { id: pneId } }],
    ['rotateUser', 200, { with: alice }],
    ['retireGeneration', 200, { with: { ...alice, generation: '1', force: 'true' } }],
    ['revokeGateway', 200, { with: { name: 'wifi' } }],
    ['addToken', 201, { body: { name: 'other', role: 'operator', expiresInS: 60 } }],
    ['listTokens', 200],
    ['showSession', 200],
    ['logIn', 200, { body: { token: api.token }, token: null }],
    ['logOut', 204],
    ['listAudit', 200],
    ['revokeToken', 200, { with: { id } }],
    ['removeUser', 200, { with: { name: 'bob' } }],
  ])
  await presence.close()
  const all = operations().map(({ id }) => id)
  assert.deepEqual([...told, 'watch'].sort(), all.sort(), 'every operation was carried out')
})

test('the stream is as the document says, and what it tells of an authentication too', async () => {
  const stop = new AbortController()
  const headers = { authorization: `Bearer ${api.token}`, 'last-event-id': '1' }
  const response = await fetch(`${api.url}/v1/stream?topics=authentications`, { headers, signal: stop.signal })
  const { content } = operation('watch').is.responses['200']
  assert.deepEqual([response.status, Object.keys(content)], [200, [response.headers.get('content-type')]])
  let text = ''
  for await (const chunk of (response.body as ReadableStream).pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.split('event: authentication').length > 2) break
  }
  stop.abort()
  const told = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data))
  for (const one of told) assertValid({ $ref: '#/components/schemas/Authentication' }, one, 'an event')
})
