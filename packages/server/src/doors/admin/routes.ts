// The routes of the admin API: each takes what its schema allows, asks the registry, and gives rows in their public form.
import type { FastifyInstance } from 'fastify'
import type Type from 'typebox'
import type { EventLog, EventRow } from '../../events.ts'
import type {
  GatewayRow,
  GenerationRow,
  PneRow,
  RegistrationRow,
  Registry,
  UserPolicy,
  UserRow,
} from '../../registry.ts'
import * as schemas from './schemas.ts'

const LIMIT = 50

type Query<T extends Type.TSchema> = { Querystring: Type.Static<T> }
type Body<T extends Type.TSchema> = { Body: Type.Static<T> }
type Params<T extends Type.TSchema> = { Params: Type.Static<T> }

export function addRoutes(app: FastifyInstance, registry: Registry, events: EventLog): void {
  addUserRoutes(app, registry)
  addGatewayRoutes(app, registry)
  addPneRoutes(app, registry)
  addPresenceRoutes(app, registry)
  addEventRoutes(app, events)
}

function addUserRoutes(app: FastifyInstance, registry: Registry): void {
  app.post<Body<typeof schemas.NewUser>>(
    '/v1/users',
    { schema: { body: schemas.NewUser, response: answers(201, schemas.User) } },
    async ({ body }, reply) => reply.code(201).send(user(await registry.addUser(body.name))),
  )
  app.get<Query<typeof schemas.PageQuery>>(
    '/v1/users',
    { schema: { querystring: schemas.PageQuery, response: answers(200, schemas.UserPage) } },
    async ({ query }) => publish(await registry.listUsers(pageRequest(query)), user),
  )
  app.get<Params<typeof schemas.UserParams>>(
    '/v1/users/:name',
    { schema: { params: schemas.UserParams, response: answers(200, schemas.UserDetails) } },
    async ({ params }) => userDetails(await registry.policies.ofUser(params.name), registry),
  )
  app.patch<Params<typeof schemas.UserParams> & Body<typeof schemas.UserChange>>(
    '/v1/users/:name',
    {
      schema: { params: schemas.UserParams, body: schemas.UserChange, response: answers(200, schemas.UserDetails) },
    },
    async ({ params, body: { policy } }) => {
      const gateways = policy.gateways?.map((name) => registry.gatewayNamed(name))
      return userDetails(await registry.policies.changeUser(params.name, { ...policy, gateways }), registry)
    },
  )
  app.post<Params<typeof schemas.UserParams>>(
    '/v1/users/:name/rotate',
    { schema: { params: schemas.UserParams, response: answers(200, schemas.User) } },
    async ({ params }) => user(await registry.renewFirstSeed(params.name)),
  )
  app.delete<Params<typeof schemas.GenerationParams> & Query<typeof schemas.GenerationQuery>>(
    '/v1/users/:name/generations/:generation',
    {
      schema: {
        params: schemas.GenerationParams,
        querystring: schemas.GenerationQuery,
        response: answers(200, schemas.GenerationRetirement),
      },
    },
    async ({ params, query }) => {
      const [name, generation, force] = [params.name, Number(params.generation), query.force !== undefined]
      const { keys, pnes, erased } = await registry.generations.retire(name, generation, { force })
      return { name, generation, keys, pnes, erased }
    },
  )
  app.delete<Params<typeof schemas.UserParams>>(
    '/v1/users/:name',
    { schema: { params: schemas.UserParams, response: answers(200, schemas.UserRemoval) } },
    async ({ params }) => {
      const { user, pnes, gateways, erased } = await registry.removeUser(params.name)
      return { name: user.name, removed: time(user.removedAt), pnes, gateways, erased }
    },
  )
}

function addGatewayRoutes(app: FastifyInstance, registry: Registry): void {
  app.post<Body<typeof schemas.NewGateway>>(
    '/v1/gateways',
    { schema: { body: schemas.NewGateway, response: answers(201, schemas.Credential) } },
    async ({ body }, reply) => {
      const { identity, radius, secret } = await registry.addGateway(body)
      const credential = { name: body.name, identity, ...kind(radius), secret: secret.toString('base64url') }
      return reply.code(201).send({ ...credential, realm: registry.realm })
    },
  )
  app.get<Query<typeof schemas.PageQuery>>(
    '/v1/gateways',
    { schema: { querystring: schemas.PageQuery, response: answers(200, schemas.GatewayPage) } },
    async ({ query }) => publish(await registry.listGateways(pageRequest(query)), gateway),
  )
  app.patch<Params<typeof schemas.GatewayParams> & Body<typeof schemas.GatewayChange>>(
    '/v1/gateways/:name',
    { schema: { params: schemas.GatewayParams, body: schemas.GatewayChange, response: answers(200, schemas.Gateway) } },
    async ({ params, body }) =>
      gateway(await registry.policies.changeVisitors(registry.gatewayNamed(params.name), body.visitors)),
  )
  app.post<Params<typeof schemas.GatewayParams>>(
    '/v1/gateways/:name/revoke',
    { schema: { params: schemas.GatewayParams, response: answers(200, schemas.Gateway) } },
    async ({ params }) => gateway(await registry.revokeGateway(registry.gatewayNamed(params.name))),
  )
}

function addPresenceRoutes(app: FastifyInstance, registry: Registry): void {
  const { registrations } = registry
  app.get<Query<typeof schemas.PageQuery>>(
    '/v1/pns',
    { schema: { querystring: schemas.PageQuery, response: answers(200, schemas.PnPage) } },
    async ({ query }) => registrations.listPns(pageRequest(query)),
  )
  app.get<Params<typeof schemas.GatewayParams> & Query<typeof schemas.PageQuery>>(
    '/v1/pns/:name',
    { schema: { params: schemas.GatewayParams, querystring: schemas.PageQuery, response: answers(200, schemas.Pn) } },
    async ({ params, query }) => {
      const pn = await registrations.showPn(registry.gatewayNamed(params.name))
      const { gateway } = pn
      return { ...pn, ...publish(await registrations.list({ gateway }, pageRequest(query)), session) }
    },
  )
  app.get<Query<typeof schemas.SessionQuery>>(
    '/v1/sessions',
    { schema: { querystring: schemas.SessionQuery, response: answers(200, schemas.SessionPage) } },
    async ({ query }) => {
      const gateway = query.gateway === undefined ? undefined : registry.gatewayNamed(query.gateway)
      return publish(await registrations.list({ gateway, pneId: query.pne }, pageRequest(query)), session)
    },
  )
}

function addPneRoutes(app: FastifyInstance, registry: Registry): void {
  app.get<Query<typeof schemas.PneQuery>>(
    '/v1/pnes',
    { schema: { querystring: schemas.PneQuery, response: answers(200, schemas.PnePage) } },
    async ({ query }) => {
      const filter = { state: query.state, user: query.user, query: query.q }
      return publish(await registry.listPnes(filter, pageRequest(query)), pne)
    },
  )
  app.get<Params<typeof schemas.PneParams>>(
    '/v1/pnes/:id',
    { schema: { params: schemas.PneParams, response: answers(200, schemas.Pne) } },
    async ({ params }) => pne(await registry.showPne(params.id)),
  )
  // Revocation is for ever, so it wants the whole pneId: a name or a beginning may mean another PNE tomorrow.
  app.post<Params<typeof schemas.PneParams>>(
    '/v1/pnes/:id/revoke',
    { schema: { params: schemas.PneParams, response: answers(200, schemas.Revocation) } },
    async ({ params }) => {
      const { pneId, seq, at } = await registry.revokePne(params.id)
      return { id: pneId, sequence: seq, revoked: time(at) }
    },
  )
}

function addEventRoutes(app: FastifyInstance, events: EventLog): void {
  app.get<Query<typeof schemas.EventQuery>>(
    '/v1/events',
    { schema: { querystring: schemas.EventQuery, response: answers(200, schemas.EventPage) } },
    async ({ query }) => {
      const before = query.before === undefined ? undefined : Number(query.before)
      const found = await events.list({ limit: limitOf(query), before, type: query.type, pneId: query.pne })
      return { items: found.map(event), dropped: events.dropped }
    },
  )
}

function answers(status: number, schema: Type.TSchema): Record<string, unknown> {
  const problem = { content: { 'application/problem+json': { schema: schemas.Problem } } }
  return { [status]: schema, '4xx': problem, '5xx': problem }
}

function limitOf({ limit }: { limit?: string }): number {
  return limit === undefined ? LIMIT : Number(limit)
}

function pageRequest(query: { limit?: string; cursor?: string }): { limit: number; cursor: string | undefined } {
  return { limit: limitOf(query), cursor: query.cursor }
}

function publish<T, P>({ items, next }: { items: T[]; next: string | null }, form: (row: T) => P) {
  return { items: items.map(form), next }
}

function user(row: Omit<UserRow, 'roaming' | 'sessionsMax'>) {
  const { name, generation, createdAt, removedAt } = row
  return { name, generation, created: time(createdAt), removed: time(removedAt) }
}

async function userDetails({ roaming, gateways, sessionsMax, ...row }: UserPolicy, { generations }: Registry) {
  const all = await generations.list(row.name)
  return { ...user(row), generations: all.map(generation), policy: { roaming, gateways, sessionsMax } }
}

function generation({ createdAt, ...row }: GenerationRow) {
  return { ...row, created: time(createdAt) }
}

function gateway({ identity, radius, visitors, user, createdAt, revokedAt }: GatewayRow) {
  return { identity, ...kind(radius), visitors, user, created: time(createdAt), revoked: time(revokedAt) }
}

function kind(radius: string | null) {
  return { kind: radius === null ? 'cpns' : 'radius', radius } as const
}

function pne(row: PneRow) {
  const { pneId: id, name, state, user, generation, gateway } = row
  const times = { created: time(row.createdAt), confirmed: time(row.confirmedAt), revoked: time(row.revokedAt) }
  return { id, name, state, user, generation, keyCreated: time(row.keyCreatedAt), gateway, ...times }
}

function session({ sessionId, pneId: pne, since, ...row }: RegistrationRow) {
  return { session: Buffer.from(sessionId).toString('base64url'), pne, ...row, since: time(since) }
}

function event({ pneId, at, ...row }: EventRow) {
  return { ...row, at: time(at), pne: pneId }
}

function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
