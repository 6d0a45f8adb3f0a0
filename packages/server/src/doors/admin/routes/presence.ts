// Who is registered where: personal networks and presence sessions.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { session } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, type Params, pageRequest, publish, type Query } from './parts.ts'

const tags = ['presence']

export function addPresenceRoutes(app: FastifyInstance, { registry }: AdminContext): void {
  const { registrations } = registry
  app.get<Query<typeof schemas.PnQuery>>(
    '/v1/pns',
    {
      schema: {
        operationId: 'listPns',
        summary: 'Personal networks, by gateway',
        tags,
        querystring: schemas.PnQuery,
        response: answers(200, schemas.PnPage),
      },
    },
    async ({ query }) => {
      const filter = { query: query.q?.toLowerCase(), user: query.user }
      return registrations.listPns(filter, pageRequest(query))
    },
  )
  app.get<Params<typeof schemas.GatewayParams> & Query<typeof schemas.PageQuery>>(
    '/v1/pns/:name',
    {
      schema: {
        operationId: 'showPn',
        summary: 'A personal network, and a page of what is registered in it',
        tags,
        params: schemas.GatewayParams,
        querystring: schemas.PageQuery,
        response: answers(200, schemas.Pn),
      },
    },
    async ({ params, query }) => {
      const pn = await registrations.showPn(registry.gatewayNamed(params.name))
      const { gateway } = pn
      return { ...pn, ...publish(await registrations.list({ gateway }, pageRequest(query)), session) }
    },
  )
  app.get<Query<typeof schemas.SessionQuery>>(
    '/v1/sessions',
    {
      schema: {
        operationId: 'listSessions',
        summary: 'Who is registered where, the newest first',
        tags,
        querystring: schemas.SessionQuery,
        response: answers(200, schemas.SessionPage),
      },
    },
    async ({ query }) => {
      const gateway = query.gateway === undefined ? undefined : registry.gatewayNamed(query.gateway)
      return publish(await registrations.list({ gateway, pneId: query.pne }, pageRequest(query)), session)
    },
  )
}
