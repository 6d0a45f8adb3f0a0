// Every change is in the audit log: a row before it is made, and its outcome before the answer goes out.
import type { Logger } from '@opencpns/io'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Operators } from '../../operators.ts'
import type { AuditRow } from '../../store/contract-operator.ts'

interface Options {
  operators: Operators
  /** Hears of each row that has its outcome. */
  onAudited?: ((row: AuditRow) => void) | undefined
  logger?: Logger | undefined
}

/** The row of a change that is being made. */
interface Entry {
  readonly id: number
  readonly facts: object
}

declare module 'fastify' {
  interface FastifyRequest {
    auditEntry: Entry | undefined
    /** More about the change, known only when it was made; no secret. */
    auditFacts: object | undefined
  }
}

export function auditChanges(app: FastifyInstance, { operators, onAudited, logger }: Options): void {
  app.decorateRequest('auditEntry')
  app.decorateRequest('auditFacts')
  app.addHook('preHandler', async (request) => {
    const { action } = request.routeOptions.config
    if (action === undefined) return
    const { name: actor, role } = request.caller
    const facts = { ...(request.query as object), ...(request.body as object) }
    const id = await operators.audit.begin({ actor, role, action, target: targetOf(request), facts, from: request.ip })
    request.auditEntry = { id, facts }
  })
  app.addHook('onSend', async ({ auditEntry, auditFacts }, { statusCode }, payload) => {
    if (auditEntry === undefined) return payload
    const facts = auditFacts && { ...auditEntry.facts, ...auditFacts }
    try {
      const row = await operators.audit.end(auditEntry.id, statusCode < 400 ? 'done' : codeIn(payload), facts)
      if (row) onAudited?.(row)
    } catch (err) {
      logger?.error(
        { event: 'audit-not-written', err, audit: auditEntry.id },
        'the outcome of a change is not in the audit log',
      )
    }
    return payload
  })
}

function targetOf(request: FastifyRequest): string | null {
  const { target } = request.routeOptions.config
  if (target) return target(request)
  const named = { ...(request.body as object), ...(request.params as object) } as { name?: unknown; id?: unknown }
  const found = named.id ?? named.name
  return typeof found === 'string' ? found : null
}

/** A refusal is problem details. */
function codeIn(payload: unknown): string {
  try {
    const { code } = JSON.parse(String(payload)) as { code?: unknown }
    return typeof code === 'string' ? code : 'INTERNAL_ERROR'
  } catch {
    return 'INTERNAL_ERROR'
  }
}
