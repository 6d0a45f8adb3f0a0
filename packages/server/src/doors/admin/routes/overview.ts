// What goes on: all of it at one look, and as a stream.

import type { Logger } from '@opencpns/io'
import type { FastifyInstance } from 'fastify'
import { allows } from '../../../operators.ts'
import type { Watch } from '../context.ts'
import { refusal, second } from '../live-forms.ts'
import { PROBLEM_TYPE, problem } from '../problems.ts'
import * as schemas from '../schemas/index.ts'
import { EventStream, type Topic } from '../stream.ts'
import { answers, type Query } from './parts.ts'

const WINDOW_S = 60
const SECONDS = 120

export function addOverviewRoutes(app: FastifyInstance, { live, totals, authentications }: Watch): void {
  app.get(
    '/v1/overview',
    {
      schema: {
        operationId: 'showOverview',
        summary: 'Rates, times of the steps, what there is, and the last refusals',
        tags: ['live'],
        response: answers(200, schemas.Overview),
      },
    },
    async () => {
      const { gateways, pnes, registered, connected } = await totals.get()
      const { cpns, revoked } = gateways
      return {
        at: new Date(live.now()).toISOString(),
        rates: { windowS: WINDOW_S, perSecond: live.seconds(SECONDS).map(second) },
        steps: live.stepTimes(),
        gateways: { connected, disconnected: Math.max(0, cpns - connected), revoked },
        pnes,
        registered,
        refusals: (await authentications.show(live.refusals.last())).map(refusal),
      }
    },
  )
}

/** Events as they happen, until either side ends it. */
export function addStreamRoute(app: FastifyInstance, watch: Watch, logger?: Logger): void {
  const stream = new EventStream({ ...watch, logger })
  app.addHook('preClose', async () => stream.close())
  app.get<Query<typeof schemas.StreamQuery>>(
    '/v1/stream',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'watch',
        summary: 'What happens, as server-sent events',
        description: STREAM,
        tags: ['live'],
        querystring: schemas.StreamQuery,
        headers: schemas.StreamHeaders,
        response: answers(200, schemas.Stream, 'text/event-stream'),
      },
    },
    (request, reply) => {
      const { id: token, role, isGood: isAllowed } = request.caller
      const refusal = stream.isFullFor(token) ? TOKEN_FULL : stream.isFull ? FULL : undefined
      if (refusal) return reply.code(refusal.status).type(PROBLEM_TYPE).send(refusal)
      reply.hijack()
      const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }
      reply.raw.writeHead(200, headers as Record<string, string>)
      const after = lastEvent(request.headers['last-event-id'])
      const isViewer = !allows('operator', { role })
      stream.add({ token, isViewer, response: reply.raw, topics: topicsOf(request.query), isAllowed, after })
      return reply
    },
  )
}

const FULL = problem(503, 'TOO_MANY_WATCHERS', 'too many watch already: end a stream that nobody needs')
const TOKEN_FULL = problem(
  429,
  'TOO_MANY_STREAMS',
  'too many watch with this token already: end a stream that nobody needs, or take a token for each program',
)

const STREAM = `Each event has one of these types; its data is one JSON object.

- \`authentication\`: an Authentication, sent again with the same id when its second part has come. Its event id resumes the
  stream after it (\`Last-Event-ID\`): at most 500 that were missed are sent. At most 100 a second are told; refusals go first.
- \`registration\`: \`{pne, name, gateway, kind: began | ended, registered}\`, the last of which is how many there are now.
- \`gateway\`: \`{identity, connected, at}\`.
- \`change\`: a line of the audit log (\`type: audit\`), or what happened to the key of a device (\`type: assignment |
  confirmation | rotation | revocation\`), with the \`ticket\` that it came with. A viewer, who may not read the audit log, is
  told what was changed but not by whom, and of operators nothing.
- \`overview\`: one second, each second: \`{at, local, remote, undecided, registered, connected, unshown}\`.

A comment comes every 15 s. Whoever leaves 512 KiB unread is cut off. The stream ends within seconds when the token is revoked.
At most 64 streams go on with one token (\`TOO_MANY_STREAMS\`), at most 200 in all (\`TOO_MANY_WATCHERS\`).`

function topicsOf({ topics }: { topics?: string }): Set<Topic> {
  return new Set(topics === undefined ? schemas.topics : (topics.split(',') as Topic[]))
}

/** Undefined for one that is none of ours: then the stream begins now. */
function lastEvent(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^[1-9][0-9]{0,14}$/.test(header) ? Number(header) : undefined
}
