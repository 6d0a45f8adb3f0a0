// The event log.
import Type from 'typebox'
import { eventTypes } from '../../../events.ts'
import { Before, closed, GatewayName, Limit, nullable, oneOf, Time, textOf } from './common.ts'

export const EventQuery = Type.Object(
  {
    limit: Limit,
    before: Before,
    type: Type.Optional(oneOf(...eventTypes)),
    pne: Type.Optional(textOf(64)),
    gateway: Type.Optional(GatewayName),
    result: Type.Optional(textOf(64)),
    session: Type.Optional(textOf(64, { description: 'id of the session' })),
    after: Type.Optional(Type.String({ format: 'date-time', description: 'no earlier ones' })),
  },
  closed,
)
const Event = Type.Object({
  id: Type.Integer(),
  at: Time,
  type: Type.String(),
  result: Type.String(),
  reason: nullable(Type.String()),
  pne: nullable(Type.String()),
  gateway: nullable(Type.String()),
  user: nullable(Type.String()),
  case: nullable(Type.String()),
  ms: nullable(Type.Number()),
  session: nullable(Type.String()),
})
export const EventPage = Type.Object({ items: Type.Array(Event), dropped: Type.Integer() })
