// Tokens of operators: made, shown once, revoked.
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../context.ts'
import { token } from '../forms.ts'
import * as schemas from '../schemas/index.ts'
import { answers, type Body, type Params, pageRequest, publish, type Query } from './parts.ts'

const tags = ['operators']

export function addTokenRoutes(app: FastifyInstance, { registry }: AdminContext): void {
  const { tokens } = registry.operators
  app.get<Query<typeof schemas.PageQuery>>(
    '/v1/tokens',
    {
      config: { role: 'admin' },
      schema: {
        operationId: 'listTokens',
        summary: 'Tokens, the newest first, revoked and expired ones too',
        tags,
        querystring: schemas.PageQuery,
        response: answers(200, schemas.TokenPage),
      },
    },
    async ({ query }) => publish(await tokens.list(pageRequest(query)), token),
  )
  app.post<Body<typeof schemas.NewToken>>(
    '/v1/tokens',
    {
      config: { action: 'token.add', isIdempotent: true },
      schema: {
        operationId: 'addToken',
        summary: 'A new token, shown this once',
        tags,
        body: schemas.NewToken,
        response: answers(201, schemas.IssuedToken),
      },
    },
    async (request, reply) => {
      const { row, token: secret } = await tokens.add({ ...request.body, by: request.caller.name })
      request.auditFacts = { id: row.id }
      return reply.code(201).send({ ...token(row), token: secret })
    },
  )
  app.delete<Params<typeof schemas.TokenParams>>(
    '/v1/tokens/:id',
    {
      config: { action: 'token.revoke' },
      schema: {
        operationId: 'revokeToken',
        summary: 'Revoke a token, by its id or name: it and its sessions end within a second',
        tags,
        params: schemas.TokenParams,
        response: answers(200, schemas.Token),
      },
    },
    async ({ params }) => token(await tokens.revoke(params.id)),
  )
}
