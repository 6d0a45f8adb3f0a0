// The event log.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { event } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, limitOf, type Query } from './parts.ts'

export function addEventRoutes(app: FastifyInstance, { registry, events }: AdminContext): void {
  app.get<Query<typeof schemas.EventQuery>>(
    '/v1/events',
    {
      schema: {
        operationId: 'listEvents',
        summary: 'What happened, the newest first',
        tags: ['events'],
        querystring: schemas.EventQuery,
        response: answers(200, schemas.EventPage),
      },
    },
    async ({ query }) => {
      const { type, result, session, pne: pneId } = query
      const before = query.before === undefined ? undefined : Number(query.before)
      const gateway = query.gateway === undefined ? undefined : registry.gatewayNamed(query.gateway)
      const since = query.after === undefined ? undefined : Date.parse(query.after)
      const found = await events.list({ limit: limitOf(query), before, since, type, result, session, pneId, gateway })
      return { items: found.map(event), dropped: events.dropped }
    },
  )
}
