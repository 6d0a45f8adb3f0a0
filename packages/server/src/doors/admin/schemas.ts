// What the admin API takes and gives, as JSON Schema by TypeBox: validation, serialisation and types come from here.
// Times are ISO 8601 in UTC. A field that may be absent is null in responses.
import Type from 'typebox'
import { eventTypes } from '../../events.ts'

const closed = { additionalProperties: false }
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const Name = Type.String({ minLength: 1, maxLength: 63, description: 'letters a-z, digits and inner hyphens' })
const Time = Type.String({ description: 'ISO 8601, UTC' })
const PneState = Type.Union([Type.Literal('pending'), Type.Literal('active'), Type.Literal('revoked')])
const EventType = Type.Union(eventTypes.map((type) => Type.Literal(type)))

/** A query is text, so numbers are checked as text. 1 to 1000. */
const Limit = Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$' }))
const Cursor = Type.Optional(Type.String({ minLength: 1, maxLength: 256 }))

export const PageQuery = Type.Object({ limit: Limit, cursor: Cursor }, closed)

const pageOf = <T extends Type.TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: nullable(Type.String()) })

export const NewUser = Type.Object({ name: Name }, closed)
const userFields = { name: Type.String(), generation: Type.Integer(), created: Time, removed: nullable(Time) }
export const User = Type.Object(userFields)
export const UserPage = pageOf(User)

const Roaming = Type.Union([Type.Literal('any'), Type.Literal('listed'), Type.Literal('none')])
const SessionsMax = nullable(Type.Integer({ minimum: 1, maximum: 65535, description: 'null for no limit' }))
const Generation = Type.Object({
  generation: Type.Integer(),
  created: Time,
  retired: Type.Boolean({ description: 'the 1st seed was destroyed' }),
  keys: Type.Integer({ description: 'active keys that are calculated from it' }),
})
export const UserDetails = Type.Object({
  ...userFields,
  generations: Type.Array(Generation),
  policy: Type.Object({ roaming: Roaming, gateways: Type.Array(Type.String()), sessionsMax: SessionsMax }),
})
/** The name of a gateway, with or without the realm. */
const GatewayName = Type.String({ minLength: 1, maxLength: 253 })
/** What is absent stays as it is. */
export const UserChange = Type.Object(
  {
    policy: Type.Object(
      {
        roaming: Type.Optional(Roaming),
        gateways: Type.Optional(Type.Array(GatewayName, { maxItems: 1000 })),
        sessionsMax: Type.Optional(SessionsMax),
      },
      closed,
    ),
  },
  closed,
)
export const UserParams = Type.Object({ name: Name }, closed)
export const GenerationParams = Type.Object(
  { name: Name, generation: Type.String({ pattern: '^[1-9][0-9]{0,9}$' }) },
  closed,
)
/** `force` or `force=true`. */
export const GenerationQuery = Type.Object(
  { force: Type.Optional(Type.Union([Type.Literal(''), Type.Literal('true')])) },
  closed,
)
export const GenerationRetirement = Type.Object({
  name: Type.String(),
  generation: Type.Integer(),
  keys: Type.Integer({ description: 'keys that were revoked by it' }),
  pnes: Type.Integer({ description: 'PNEs that had no other active key, and were revoked' }),
  erased: Type.Boolean({
    description: 'false: a reader of the database kept copies of the sealed 1st seed from erasure',
  }),
})
export const UserRemoval = Type.Object({
  name: Type.String(),
  removed: Time,
  pnes: Type.Integer({ description: 'PNEs that were revoked by it' }),
  gateways: Type.Array(Type.String(), { description: 'gateways that were revoked by it' }),
  erased: Type.Boolean({
    description: 'false: a reader of the database kept copies of the sealed 1st seeds from erasure',
  }),
})

const Kind = Type.Union([Type.Literal('cpns'), Type.Literal('radius')])
const Radius = Type.String({ minLength: 1, maxLength: 64, description: 'address of a RADIUS client, or its prefix' })
export const NewGateway = Type.Object({ name: Name, user: Name, radius: Type.Optional(Radius) }, closed)
export const Credential = Type.Object({
  name: Type.String(),
  identity: Type.String(),
  kind: Kind,
  radius: nullable(Radius),
  secret: Type.String({ description: '32 octets, base64url; for RADIUS 32 characters as they are. Shown this once' }),
  realm: Type.String(),
})
export const Gateway = Type.Object({
  identity: Type.String(),
  kind: Kind,
  radius: nullable(Radius),
  visitors: Type.Boolean(),
  user: Type.String(),
  created: Time,
  revoked: nullable(Time),
})
export const GatewayPage = pageOf(Gateway)
export const GatewayParams = Type.Object({ name: GatewayName }, closed)
export const GatewayChange = Type.Object({ visitors: Type.Boolean() }, closed)

const pnFields = {
  gateway: Type.String(),
  user: Type.String(),
  visitors: Type.Boolean(),
  registered: Type.Integer({ description: 'PNEs that are registered now' }),
}
export const PnPage = pageOf(Type.Object(pnFields))
const Session = Type.Object({
  session: Type.String({ description: 'session id, 16 octets in base64url' }),
  pne: Type.String(),
  name: nullable(Type.String()),
  user: Type.String(),
  gateway: Type.String(),
  case: Type.String(),
  since: Time,
})
export const SessionPage = pageOf(Session)
export const SessionQuery = Type.Object(
  {
    gateway: Type.Optional(GatewayName),
    pne: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    limit: Limit,
    cursor: Cursor,
  },
  closed,
)
/** A personal network, and a page of what is registered in it. */
export const Pn = Type.Object({ ...pnFields, items: Type.Array(Session), next: nullable(Type.String()) })

export const PneQuery = Type.Object(
  {
    state: Type.Optional(PneState),
    user: Type.Optional(Name),
    q: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'part of the name, beginning of the id' }),
    ),
    limit: Limit,
    cursor: Cursor,
  },
  closed,
)
export const Pne = Type.Object({
  id: Type.String(),
  name: nullable(Type.String()),
  state: PneState,
  user: Type.String(),
  generation: Type.Integer({ description: "of the 1st seed that the PNE's newest key is calculated from" }),
  keyCreated: Time,
  gateway: Type.String(),
  created: Time,
  confirmed: nullable(Time),
  revoked: nullable(Time),
})
export const PnePage = pageOf(Pne)
export const PneParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) }, closed)
export const Revocation = Type.Object({ id: Type.String(), sequence: Type.Integer(), revoked: Time })

export const EventQuery = Type.Object(
  {
    limit: Limit,
    before: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,14}$' })),
    type: Type.Optional(EventType),
    pne: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
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
})
export const EventPage = Type.Object({ items: Type.Array(Event), dropped: Type.Integer() })

export const Health = Type.Object({ status: Type.Literal('ok'), realm: Type.String() })

/** Problem details (RFC 9457). `code` is stable; `detail` says what to do. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String(),
})
export type Problem = Type.Static<typeof Problem>
