// Requests that create something may come twice, as when the first answer was lost: with an Idempotency-Key the second one gets
// the first answer. After a crash in the middle of a request, it is carried out anew once thirty seconds have passed.
import { createHash } from 'node:crypto'
import type { Logger } from '@opencpns/io'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Operators, RequestKey } from '../../operators.ts'
import { AdminError } from './errors.ts'

const KEY = /^[\x21-\x7e]{1,128}$/

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request that is carried out, and whose answer is to be remembered. */
    requestKey: RequestKey | undefined
  }
}

/** Before the audit log: a request that is not carried out again is no change. */
export function rememberAnswers(app: FastifyInstance, { answers }: Operators, logger: Logger | undefined): void {
  app.decorateRequest('requestKey')
  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key']
    if (key === undefined || !request.routeOptions.config.isIdempotent) return
    if (typeof key !== 'string' || !KEY.test(key)) {
      throw new AdminError('IDEMPOTENCY_KEY_INVALID', 'an Idempotency-Key has 1 to 128 visible ASCII characters')
    }
    const of = { scope: request.caller.id, key, fingerprint: fingerprintOf(request) }
    const remembered = await answers.claim(of)
    if (remembered?.state === 'another request') {
      throw new AdminError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key came with another request: take another key')
    }
    if (remembered?.state === 'under way') {
      const retryAfterS = 1
      throw new AdminError('REQUEST_UNDER_WAY', 'this very request is being carried out: wait', { retryAfterS })
    }
    if (remembered === undefined) {
      request.requestKey = of
      return
    }
    reply.code(remembered.status).header('idempotent-replayed', 'true').type('application/json; charset=utf-8')
    return reply.send(remembered.body)
  })
  app.addHook('onSend', async ({ requestKey }, { statusCode }, payload) => {
    if (requestKey === undefined) return payload
    const isDone = statusCode < 300
    const body = String(payload)
    const settled = isDone ? answers.keep(requestKey, { status: statusCode, body }) : answers.drop(requestKey)
    await settled.catch((err) =>
      logger?.error({ event: 'answer-not-kept', err }, 'the answer to a request could not be remembered'),
    )
    return payload
  })
}

function fingerprintOf({ method, url, body }: FastifyRequest): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([method, url, body ?? null]))
    .digest()
}
