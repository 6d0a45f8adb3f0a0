// Gateways: added, told whether they take visitors, revoked.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AdminContext } from '../context.ts'
import { gateway, kind } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { tell, versionIn } from '../versions.ts'
import { answers, type Body, type Params, pageRequest, type Query } from './parts.ts'

const tags = ['gateways']

export function addGatewayRoutes(app: FastifyInstance, { registry, links }: AdminContext): void {
  const named = ({ params, body }: FastifyRequest) =>
    registry.gatewayNamed(((params as { name?: string }).name ?? (body as { name?: string }).name) as string)
  const show = async (identity: string) => {
    const row = await registry.showGateway(identity)
    return gateway(row, links && (await links.connectedSince([identity])))
  }

  app.post<Body<typeof schemas.NewGateway>>(
    '/v1/gateways',
    {
      config: { action: 'gateway.add', target: named, isIdempotent: true },
      schema: {
        operationId: 'addGateway',
        summary: 'Add a gateway, or a RADIUS client; its credential is told this once',
        tags,
        body: schemas.NewGateway,
        response: answers(201, schemas.Credential),
      },
    },
    async ({ body }, reply) => {
      const { identity, radius, secret } = await registry.addGateway(body)
      const credential = { name: body.name, identity, ...kind(radius), secret: secret.toString('base64url') }
      return reply.code(201).send({ ...credential, realm: registry.realm })
    },
  )
  app.get<Query<typeof schemas.GatewayQuery>>(
    '/v1/gateways',
    {
      schema: {
        operationId: 'listGateways',
        summary: 'Gateways by identity, revoked ones too',
        tags,
        querystring: schemas.GatewayQuery,
        response: answers(200, schemas.GatewayPage),
      },
    },
    async ({ query }) => {
      const { q, user, kind, state } = query
      const { items, next } = await registry.listGateways(
        { query: q?.toLowerCase(), user, kind, state },
        pageRequest(query),
      )
      const since = links && (await links.connectedSince(items.map(({ identity }) => identity)))
      return { items: items.map((item) => gateway(item, since)), next }
    },
  )
  app.get<Params<typeof schemas.GatewayParams>>(
    '/v1/gateways/:name',
    {
      schema: {
        operationId: 'showGateway',
        summary: 'A gateway',
        tags,
        params: schemas.GatewayParams,
        response: answers(200, schemas.Gateway),
      },
    },
    async (request, reply) => {
      const shown = await show(named(request))
      tell(reply, shown)
      return shown
    },
  )
  app.patch<Params<typeof schemas.GatewayParams> & Body<typeof schemas.GatewayChange>>(
    '/v1/gateways/:name',
    {
      config: { role: 'operator', action: 'gateway.policy', target: named },
      schema: {
        operationId: 'changeGateway',
        summary: 'Say whether the gateway takes devices that it did not pair',
        tags,
        params: schemas.GatewayParams,
        body: schemas.GatewayChange,
        headers: schemas.IfMatch,
        response: answers(200, schemas.Gateway),
      },
    },
    async (request, reply) => {
      const { visitors } = request.body
      const { version } = await registry.policies.changeVisitors(named(request), visitors, versionIn(request))
      tell(reply, { version })
      return { ...(await show(named(request))), version, visitors }
    },
  )
  app.post<Params<typeof schemas.GatewayParams>>(
    '/v1/gateways/:name/revoke',
    {
      config: { action: 'gateway.revoke', target: named },
      schema: {
        operationId: 'revokeGateway',
        summary: 'Revoke a gateway, for ever; devices that it paired stay as they are',
        tags,
        params: schemas.GatewayParams,
        response: answers(200, schemas.Gateway),
      },
    },
    async (request) => {
      await registry.revokeGateway(named(request))
      return show(named(request))
    },
  )
}
