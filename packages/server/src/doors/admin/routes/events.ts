// The event log.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { event } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, limitOf, type Query } from './parts.ts'

export function addEventRoutes(app: FastifyInstance, { events }: AdminContext): void {
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
