// Authentications with their steps.
import type { FastifyInstance } from 'fastify'
import type { Registry } from '../../../registry.ts'
import type { Watch } from '../context.ts'
import { PROBLEM_TYPE, problem } from '../problems.ts'
import * as schemas from '../schemas/index.ts'
import { answers, limitOf, type Params, type Query } from './parts.ts'

export function addAuthenticationRoutes(app: FastifyInstance, registry: Registry, { authentications }: Watch): void {
  app.get<Query<typeof schemas.AuthenticationQuery>>(
    '/v1/authentications',
    {
      schema: {
        operationId: 'listAuthentications',
        summary: 'Authentications, the newest first',
        description:
          'As far back as the event log goes. Of the local case, and of what a gateway did without the server, a gateway tells at most 128 a second.',
        tags: ['live'],
        querystring: schemas.AuthenticationQuery,
        response: answers(200, schemas.AuthenticationPage),
      },
    },
    async ({ query }) => {
      const { result, case: which, pne: pneId } = query
      const gateway = query.gateway === undefined ? undefined : registry.gatewayNamed(query.gateway)
      const before = query.before === undefined ? undefined : Number(query.before)
      const filter = { result, case: which, pneId, gateway, before, limit: limitOf(query) }
      return { items: await authentications.list(filter) }
    },
  )
  app.get<Params<typeof schemas.AuthenticationParams>>(
    '/v1/authentications/:id',
    {
      schema: {
        operationId: 'showAuthentication',
        summary: 'One authentication, by the id of any of its parts',
        tags: ['live'],
        params: schemas.AuthenticationParams,
        response: answers(200, schemas.Authentication),
      },
    },
    async ({ params }, reply) => {
      const found = await authentications.find(Number(params.id))
      if (found) return found
      const answer = problem(404, 'AUTHENTICATION_UNKNOWN', 'there is none with this id, or it was long ago')
      return reply.code(404).type(PROBLEM_TYPE).send(answer)
    },
  )
}
