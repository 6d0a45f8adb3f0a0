// The inventory of PNEs, and their revocation.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { pne, time } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, type Params, pageRequest, publish, type Query } from './parts.ts'

export function addPneRoutes(app: FastifyInstance, { registry }: AdminContext): void {
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
