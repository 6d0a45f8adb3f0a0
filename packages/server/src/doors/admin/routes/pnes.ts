// The inventory of PNEs, their keys, and their revocation.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { pne, pneDetails, time } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, type Params, pageRequest, publish, type Query } from './parts.ts'

const tags = ['pnes']

export function addPneRoutes(app: FastifyInstance, { registry, watch }: AdminContext): void {
  app.get<Query<typeof schemas.PneQuery>>(
    '/v1/pnes',
    {
      schema: {
        operationId: 'listPnes',
        summary: 'Devices, the newest first, or by the words of their names',
        description:
          'With `q`: devices with a name in which each word of it begins a word, or whose id it begins. A page may have fewer than `limit` and yet a `next`, where much had to be looked through.',
        tags,
        querystring: schemas.PneQuery,
        response: answers(200, schemas.PnePage),
      },
    },
    async ({ query }) => {
      const { q, state, user } = query
      const gateway = query.gateway === undefined ? undefined : registry.gatewayNamed(query.gateway)
      return publish(await registry.listPnes({ state, user, gateway, query: q }, pageRequest(query)), pne)
    },
  )
  app.get<Params<typeof schemas.PneParams>>(
    '/v1/pnes/:id',
    {
      schema: {
        operationId: 'showPne',
        summary: 'A device by its id, or by a name or a beginning of the id that no other has',
        tags,
        params: schemas.PneParams,
        response: answers(200, schemas.PneDetails),
      },
    },
    async ({ params }) => {
      const found = await registry.showPne(params.id)
      return pneDetails(found, await registry.showKeys(found.pneId))
    },
  )
  // Revocation is for ever, so it wants the whole pneId: a name or a beginning may mean another PNE tomorrow.
  app.post<Params<typeof schemas.PneParams>>(
    '/v1/pnes/:id/revoke',
    {
      config: { role: 'operator', action: 'pne.revoke' },
      schema: {
        operationId: 'revokePne',
        summary: 'Revoke a device, for ever; wants its whole id',
        tags,
        params: schemas.PneParams,
        response: answers(200, schemas.Revocation),
      },
    },
    async ({ params }) => {
      const { pneId, seq, at } = await registry.revokePne(params.id)
      return { id: pneId, sequence: seq, revoked: time(at) }
    },
  )
  if (!watch) return
  app.post<Params<typeof schemas.PneParams>>(
    '/v1/pnes/:id/rotate',
    {
      config: { role: 'operator', action: 'pne.rotate' },
      schema: {
        operationId: 'rotatePne',
        summary: 'Have the gateway that paired a device renew its key at the next chance; wants its whole id',
        tags,
        params: schemas.PneParams,
        response: answers(202, schemas.RotationAsked),
      },
    },
    async ({ params }, reply) => {
      const { pneId, gateway } = await registry.findRotatable(params.id)
      await watch.gateways.askToRotate(gateway, pneId)
      return reply.code(202).send({ id: pneId, asked: true as const })
    },
  )
}
