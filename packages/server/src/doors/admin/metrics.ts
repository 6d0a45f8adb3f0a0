// `/metrics`, for Prometheus: on a loopback listener without a token, as its scrapers are used to; elsewhere it needs one.
import type { FastifyInstance } from 'fastify'
import type { Authorization } from './authorization.ts'
import { AdminError } from './errors.ts'

/** Whoever has something to tell. */
export interface MetricsText {
  text(): Promise<{ readonly type: string; readonly body: string }>
}

export function addMetricsRoute(
  app: FastifyInstance,
  of: { metrics: MetricsText; authorization: Authorization; needsToken: () => boolean },
): void {
  const { metrics, authorization, needsToken } = of
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    if (needsToken() && (await authorization.ofRequest(request)) === undefined) {
      throw new AdminError('TOKEN_REQUIRED', 'send a token as "Authorization: Bearer TOKEN"')
    }
    const { type, body } = await metrics.text()
    return reply.type(type).send(body)
  })
}
