// Pairing tickets, made by a gateway that is asked over its link. The URI is passed on and kept nowhere.
import type { FastifyInstance } from 'fastify'
import { RegistryError, unknownGateway } from '../../../registry/errors.ts'
import type { Registry } from '../../../registry.ts'
import type { Watch } from '../context.ts'
import { PROBLEM_TYPE, problem } from '../problems.ts'
import * as schemas from '../schemas/index.ts'
import { answers, type Body, type Params } from './parts.ts'

/** Of UTF-8: docs/protocol.md section 4.4, TicketRequest. */
const NAME_MAX_OCTETS = 64

export function addTicketRoutes(app: FastifyInstance, registry: Registry, { gateways, live }: Watch): void {
  app.post<Params<typeof schemas.GatewayParams> & Body<typeof schemas.NewTicket>>(
    '/v1/gateways/:name/tickets',
    {
      config: {
        role: 'operator',
        action: 'gateway.ticket',
        target: ({ params }) => registry.gatewayNamed((params as { name: string }).name),
        isIdempotent: true,
      },
      schema: {
        operationId: 'makeTicket',
        summary: 'A ticket with which one device can be paired at this gateway',
        tags: ['gateways'],
        params: schemas.GatewayParams,
        body: schemas.NewTicket,
        response: answers(201, schemas.Ticket),
      },
    },
    async ({ params, body }, reply) => {
      const gateway = registry.gatewayNamed(params.name)
      if (Buffer.byteLength(body.name ?? '') > NAME_MAX_OCTETS) {
        throw new RegistryError('NAME_INVALID', `a name has at most ${NAME_MAX_OCTETS} octets of UTF-8: shorten it`)
      }
      if (!(await registry.isGateway(gateway))) throw unknownGateway()
      const { uri, expiresAtS, ticketId } = await gateways.makeTicket(gateway, body)
      const ticket = Buffer.from(ticketId).toString('base64url')
      const expires = expiresAtS * 1000
      live.ticketMade({ ticket, gateway, expires })
      return reply.code(201).send({ uri, expires: new Date(expires).toISOString(), ticket })
    },
  )
  app.get<Params<typeof schemas.TicketParams>>(
    '/v1/gateways/:name/tickets/:ticket',
    {
      schema: {
        operationId: 'showTicket',
        summary: 'Whether a device has come with a ticket, and which',
        tags: ['gateways'],
        params: schemas.TicketParams,
        response: answers(200, schemas.TicketState),
      },
    },
    async ({ params }, reply) => {
      const found = live.tickets.find(registry.gatewayNamed(params.name), params.ticket)
      if (found) return found
      const answer = problem(404, 'TICKET_UNKNOWN', 'no such ticket was made here, or it is long over: make another')
      return reply.code(404).type(PROBLEM_TYPE).send(answer)
    },
  )
}
