// The routes of the admin API: each takes what its schema allows, asks the registry, and gives rows in their public form.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { addAuditRoutes } from './audit.ts'
import { addAuthenticationRoutes } from './authentications.ts'
import { addEventRoutes } from './events.ts'
import { addGatewayRoutes } from './gateways.ts'
import { addOverviewRoutes, addStreamRoute } from './overview.ts'
import { addPneRoutes } from './pnes.ts'
import { addPresenceRoutes } from './presence.ts'
import { addTicketRoutes } from './tickets.ts'
import { addTokenRoutes } from './tokens.ts'
import { addUserRoutes } from './users.ts'

export function addRoutes(app: FastifyInstance, context: AdminContext): void {
  addUserRoutes(app, context)
  addGatewayRoutes(app, context)
  addPneRoutes(app, context)
  addPresenceRoutes(app, context)
  addEventRoutes(app, context)
  addTokenRoutes(app, context)
  addAuditRoutes(app, context)
  const { registry, watch, logger } = context
  if (!watch) return
  addOverviewRoutes(app, watch)
  addStreamRoute(app, watch, logger)
  addAuthenticationRoutes(app, registry, watch)
  addTicketRoutes(app, registry, watch)
}
