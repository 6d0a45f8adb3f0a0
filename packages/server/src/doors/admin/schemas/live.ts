// What goes on: authentications with their steps, what is counted, pairing tickets.
import Type from 'typebox'
import { keysUsed } from '../../../live/parts.ts'
import { Before, closed, GatewayName, Limit, nullable, oneOf, Time, textOf } from './common.ts'

const Case = oneOf('local', 'remote')
const Result = oneOf('accepted', 'refused')
const PneId = textOf(64)
const Milliseconds = Type.Number({ minimum: 0, description: 'milliseconds, to the microsecond' })

const Step = Type.Object({
  step: Type.Integer({ minimum: 1, maximum: 8 }),
  from: Type.String(),
  to: Type.String(),
  message: Type.String(),
  atMs: Type.Number({
    description: "after step 1; after the arrival at the server while only the server's part is known",
  }),
  ms: Type.Number({
    description: 'since the step before; the ways to the server and back are taken to be equally long',
  }),
})

export const Authentication = Type.Object({
  id: Type.Integer(),
  at: Time,
  case: nullable(Case, 'null when it was refused before that was known'),
  result: Result,
  reason: nullable(Type.String(), 'why it was refused; the device is never told'),
  gateway: Type.String({ description: 'identity, as it proved it' }),
  pne: nullable(Type.String()),
  pneName: nullable(Type.String()),
  user: nullable(Type.String()),
  key: nullable(oneOf(...keysUsed), 'what step 7 started from'),
  session: nullable(Type.String(), 'id of the session, 16 octets in base64url'),
  serverRoundTrips: nullable(Type.Integer()),
  ms: nullable(Milliseconds),
  steps: Type.Array(Step, { description: 'those that were reached' }),
  stoppedAt: nullable(Type.Integer({ minimum: 1, maximum: 8 }), 'the step at which it was refused'),
  complete: Type.Boolean({ description: 'false while the part of the gateway, or of the server, may still come' }),
})
export const AuthenticationPage = Type.Object({ items: Type.Array(Authentication) })
export const AuthenticationQuery = Type.Object(
  {
    result: Type.Optional(Result),
    case: Type.Optional(Case),
    pne: Type.Optional(PneId),
    gateway: Type.Optional(GatewayName),
    before: Before,
    limit: Limit,
  },
  closed,
)
export const AuthenticationParams = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }) }, closed)

const Ended = Type.Object({ accepted: Type.Integer(), refused: Type.Integer() })
const Second = Type.Object({
  at: Time,
  local: Ended,
  remote: Ended,
  undecided: Type.Integer({ description: 'refused before it was known which case it is' }),
})
const StepTime = Type.Object({
  step: Type.Integer({ minimum: 1, maximum: 8 }),
  name: Type.String(),
  count: Type.Integer(),
  p50Ms: nullable(Milliseconds),
  p99Ms: nullable(Milliseconds),
})
const Refusal = Type.Object({
  id: Type.Integer(),
  at: Time,
  case: nullable(Case),
  gateway: Type.String(),
  pne: nullable(Type.String()),
  pneName: nullable(Type.String()),
  reason: nullable(Type.String()),
  session: nullable(Type.String()),
})

export const Overview = Type.Object({
  at: Time,
  rates: Type.Object({
    windowS: Type.Integer(),
    perSecond: Type.Array(Second, { description: 'whole seconds, the newest last' }),
  }),
  steps: Type.Array(StepTime, { description: 'of the last five minutes' }),
  gateways: Type.Object({
    connected: Type.Integer(),
    disconnected: Type.Integer({ description: 'RADIUS clients, which have no link, are not counted' }),
    revoked: Type.Integer(),
  }),
  pnes: Type.Object({ pending: Type.Integer(), active: Type.Integer(), revoked: Type.Integer() }),
  registered: Type.Integer(),
  refusals: Type.Array(Refusal, { description: 'the last 20, the newest first' }),
})

export const topics = ['authentications', 'registrations', 'gateways', 'changes', 'overview'] as const
const topic = `(${topics.join('|')})`
export const StreamQuery = Type.Object(
  {
    topics: Type.Optional(
      Type.String({ pattern: `^${topic}(,${topic}){0,9}$`, description: `${topics.join(', ')}; all when absent` }),
    ),
  },
  closed,
)

export const NewTicket = Type.Object(
  {
    name: Type.Optional(textOf(64, { description: 'what a person calls the device' })),
    lifetimeS: Type.Optional(Type.Integer({ minimum: 60, maximum: 3600, description: '600 when absent' })),
  },
  closed,
)
export const Ticket = Type.Object({
  uri: Type.String({ description: 'holds the secret of the ticket. Shown this once' }),
  expires: Time,
  ticket: Type.String({ description: 'its id, 16 octets in base64url' }),
})
export const TicketParams = Type.Object(
  { name: GatewayName, ticket: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }) },
  closed,
)
export const TicketState = Type.Object({
  ticket: Type.String(),
  state: oneOf('open', 'used', 'expired'),
  pne: nullable(Type.String(), 'whom it was used by'),
})

const Check = oneOf('ok', 'failed')
const checks = Type.Object({ store: Check, door: Check, draining: Type.Boolean() })
export const Ready = Type.Object({ status: Type.Literal('ready'), checks })
export const NotReady = Type.Object({
  status: Type.Literal('not ready'),
  checks,
  failed: Type.Array(Type.String(), { description: 'which checks failed' }),
})

export const Stream = Type.String({ description: 'server-sent events' })
export const StreamHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ maxLength: 64, description: 'where to go on' })),
})

export const OpenApi = Type.Object({ openapi: Type.String() }, { additionalProperties: true })
