// End users, their policies, and the generations of their 1st seeds.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { time, user, userDetails } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, type Body, type Params, pageRequest, publish, type Query } from './parts.ts'

export function addUserRoutes(app: FastifyInstance, { registry }: AdminContext): void {
  app.post<Body<typeof schemas.NewUser>>(
    '/v1/users',
    { schema: { body: schemas.NewUser, response: answers(201, schemas.User) } },
    async ({ body }, reply) => reply.code(201).send(user(await registry.addUser(body.name))),
  )
  app.get<Query<typeof schemas.PageQuery>>(
    '/v1/users',
    { schema: { querystring: schemas.PageQuery, response: answers(200, schemas.UserPage) } },
    async ({ query }) => publish(await registry.listUsers({}, pageRequest(query)), user),
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
