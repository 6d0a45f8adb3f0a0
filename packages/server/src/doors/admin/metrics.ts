// `/metrics`, for Prometheus: on a loopback listener without a token, as its scrapers are used to; elsewhere it needs one.
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Authorization } from './authorization.ts'
import { AdminError } from './errors.ts'
import { answers } from './routes/parts.ts'

const Metrics = Type.String({ description: 'the text format of Prometheus' })

/** Whoever has something to tell. */
export interface MetricsText {
  text(): Promise<{ readonly type: string; readonly body: string }>
}

export function addMetricsRoute(
  app: FastifyInstance,
  of: { metrics: MetricsText; authorization: Authorization; needsToken: () => boolean },
): void {
  const { metrics, authorization, needsToken } = of
  const schema = {
    operationId: 'showMetrics',
    summary: 'What Prometheus reads',
    description: 'On a loopback listener it needs no token, elsewhere one of a viewer.',
    tags: ['health'],
    security: [{}, { bearer: [] }, { session: [] }],
    response: answers(200, Metrics, 'text/plain'),
  }
  app.get('/metrics', { schema }, async (request, reply) => {
    if (needsToken() && (await authorization.ofRequest(request)) === undefined) {
      throw new AdminError('TOKEN_REQUIRED', 'send a token as "Authorization: Bearer TOKEN"')
    }
    const { type, body } = await metrics.text()
    return reply.type(type).send(body)
  })
}
