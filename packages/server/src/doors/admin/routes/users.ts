// End users, their policies, and the generations of their 1st seeds.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { time, user, userDetails } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { tell, versionIn } from '../versions.ts'
import { answers, type Body, type Params, pageRequest, publish, type Query } from './parts.ts'

const tags = ['users']

export function addUserRoutes(app: FastifyInstance, { registry }: AdminContext): void {
  app.post<Body<typeof schemas.NewUser>>(
    '/v1/users',
    {
      config: { action: 'user.add', isIdempotent: true },
      schema: {
        operationId: 'addUser',
        summary: 'Add an end user',
        tags,
        body: schemas.NewUser,
        response: answers(201, schemas.User),
      },
    },
    async ({ body }, reply) => reply.code(201).send(user(await registry.addUser(body.name))),
  )
  app.get<Query<typeof schemas.UserQuery>>(
    '/v1/users',
    {
      schema: {
        operationId: 'listUsers',
        summary: 'End users by name, removed ones too',
        tags,
        querystring: schemas.UserQuery,
        response: answers(200, schemas.UserPage),
      },
    },
    async ({ query }) => publish(await registry.listUsers({ query: query.q?.toLowerCase() }, pageRequest(query)), user),
  )
  app.get<Params<typeof schemas.UserParams>>(
    '/v1/users/:name',
    {
      schema: {
        operationId: 'showUser',
        summary: 'An end user, with the policy for the devices of this user',
        tags,
        params: schemas.UserParams,
        response: answers(200, schemas.UserDetails),
      },
    },
    async ({ params }, reply) => {
      const found = await registry.policies.ofUser(params.name)
      tell(reply, found)
      return userDetails(found, registry)
    },
  )
  app.patch<Params<typeof schemas.UserParams> & Body<typeof schemas.UserChange>>(
    '/v1/users/:name',
    {
      config: { role: 'operator', action: 'user.policy' },
      schema: {
        operationId: 'changeUser',
        summary: 'Change the policy; what is absent stays as it is',
        tags,
        params: schemas.UserParams,
        body: schemas.UserChange,
        headers: schemas.IfMatch,
        response: answers(200, schemas.UserDetails),
      },
    },
    async (request, reply) => {
      const { policy } = request.body
      const gateways = policy.gateways?.map((name) => registry.gatewayNamed(name))
      const change = { ...policy, gateways }
      const changed = await registry.policies.changeUser(request.params.name, change, versionIn(request))
      tell(reply, changed)
      return userDetails(changed, registry)
    },
  )
  app.post<Params<typeof schemas.UserParams>>(
    '/v1/users/:name/rotate',
    {
      config: { action: 'user.rotate' },
      schema: {
        operationId: 'rotateUser',
        summary: 'Give the user a 1st seed of the next generation: keys follow when devices come',
        tags,
        params: schemas.UserParams,
        response: answers(200, schemas.User),
      },
    },
    async ({ params }) => user(await registry.renewFirstSeed(params.name)),
  )
  app.delete<Params<typeof schemas.GenerationParams> & Query<typeof schemas.GenerationQuery>>(
    '/v1/users/:name/generations/:generation',
    {
      config: { action: 'generation.retire', target: ({ params }) => `${named(params)}/${numbered(params)}` },
      schema: {
        operationId: 'retireGeneration',
        summary: 'Destroy the 1st seed of an old generation, for ever',
        tags,
        params: schemas.GenerationParams,
        querystring: schemas.GenerationQuery,
        response: answers(200, schemas.GenerationRetirement),
      },
    },
    async (request) => {
      const [name, generation] = [request.params.name, Number(request.params.generation)]
      const force = request.query.force !== undefined
      const { keys, pnes, erased } = await registry.generations.retire(name, generation, { force })
      request.auditFacts = { keys, pnes, erased }
      return { name, generation, keys, pnes, erased }
    },
  )
  app.delete<Params<typeof schemas.UserParams>>(
    '/v1/users/:name',
    {
      config: { action: 'user.remove' },
      schema: {
        operationId: 'removeUser',
        summary: 'Remove a user with all devices, gateways and keys, for ever',
        tags,
        params: schemas.UserParams,
        response: answers(200, schemas.UserRemoval),
      },
    },
    async (request) => {
      const { user, pnes, gateways, erased } = await registry.removeUser(request.params.name)
      request.auditFacts = { pnes, gateways: gateways.length, erased }
      return { name: user.name, removed: time(user.removedAt), pnes, gateways, erased }
    },
  )
}

function named(params: unknown): string {
  return (params as { name: string }).name
}

function numbered(params: unknown): string {
  return (params as { generation: string }).generation
}
