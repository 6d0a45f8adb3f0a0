// What operators asked for, and what became of it.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { auditEntry } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, limitOf, type Query } from './parts.ts'

export function addAuditRoutes(app: FastifyInstance, { registry }: AdminContext): void {
  app.get<Query<typeof schemas.AuditQuery>>(
    '/v1/audit',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'listAudit',
        summary: 'Changes that operators asked for, the newest first',
        tags: ['operators'],
        querystring: schemas.AuditQuery,
        response: answers(200, schemas.AuditPage),
      },
    },
    async ({ query }) => {
      const { actor, action, target } = query
      const before = query.before === undefined ? undefined : Number(query.before)
      const rows = await registry.operators.audit.list({ actor, action, target, before, limit: limitOf(query) })
      return { items: rows.map(auditEntry) }
    },
  )
}
