// Gateways: added, told whether they take visitors, revoked.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { gateway, kind } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, type Body, type Params, pageRequest, publish, type Query } from './parts.ts'

export function addGatewayRoutes(app: FastifyInstance, { registry }: AdminContext): void {
  app.post<Body<typeof schemas.NewGateway>>(
    '/v1/gateways',
    { schema: { body: schemas.NewGateway, response: answers(201, schemas.Credential) } },
    async ({ body }, reply) => {
      const { identity, radius, secret } = await registry.addGateway(body)
      const credential = { name: body.name, identity, ...kind(radius), secret: secret.toString('base64url') }
      return reply.code(201).send({ ...credential, realm: registry.realm })
    },
  )
  app.get<Query<typeof schemas.PageQuery>>(
    '/v1/gateways',
    { schema: { querystring: schemas.PageQuery, response: answers(200, schemas.GatewayPage) } },
    async ({ query }) => publish(await registry.listGateways({}, pageRequest(query)), gateway),
  )
  app.patch<Params<typeof schemas.GatewayParams> & Body<typeof schemas.GatewayChange>>(
    '/v1/gateways/:name',
    { schema: { params: schemas.GatewayParams, body: schemas.GatewayChange, response: answers(200, schemas.Gateway) } },
    async ({ params, body }) =>
      gateway(await registry.policies.changeVisitors(registry.gatewayNamed(params.name), body.visitors)),
  )
  app.post<Params<typeof schemas.GatewayParams>>(
    '/v1/gateways/:name/revoke',
    { schema: { params: schemas.GatewayParams, response: answers(200, schemas.Gateway) } },
    async ({ params }) => gateway(await registry.revokeGateway(registry.gatewayNamed(params.name))),
  )
}
