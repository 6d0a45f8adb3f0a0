// Whether the process lives (/healthz), and whether it is fit to serve (/readyz): for whoever starts it, and for a balancer.
import type { FastifyInstance } from 'fastify'
import * as schemas from './schemas/index.ts'

/** What must hold for the server to be of use. */
export interface Fitness {
  /** Rejects when the store cannot be reached. */
  store(): Promise<unknown>
  /** Whether gateways can connect. */
  isDoorOpen(): boolean
  /** Whether the server finishes what is under way and takes nothing new. */
  isDraining(): boolean
}

const STORE_DEADLINE_MS = 2000

export function addHealthRoutes(app: FastifyInstance, realm: string, fitness: Fitness): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'showHealth',
        summary: 'Whether the process lives',
        tags: ['health'],
        security: [],
        response: { 200: schemas.Health },
      },
    },
    () => ({ status: 'ok' as const, realm }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'showReadiness',
        summary: 'Whether the server can serve gateways, and if not, why',
        tags: ['health'],
        security: [],
        response: { 200: schemas.Ready, 503: schemas.NotReady },
      },
    },
    async (_request, reply) => {
      const isStoreThere = await inTime(fitness.store())
      const [isOpen, draining] = [fitness.isDoorOpen(), fitness.isDraining()]
      const word = (is: boolean) => (is ? ('ok' as const) : ('failed' as const))
      const checks = { store: word(isStoreThere), door: word(isOpen), draining }
      const failed = [!isStoreThere && 'store', !isOpen && 'door', draining && 'draining'].filter(
        (one) => one !== false,
      )
      if (failed.length === 0) return { status: 'ready' as const, checks }
      return reply.code(503).send({ status: 'not ready' as const, checks, failed })
    },
  )
}

/** Whether it resolves, and soon. */
async function inTime(asked: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, STORE_DEADLINE_MS, false)
  })
  try {
    const done = asked.then(
      () => true,
      () => false,
    )
    return await Promise.race([done, late])
  } finally {
    clearTimeout(timer)
  }
}
