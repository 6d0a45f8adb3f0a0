// End users, their policies, and the generations of their 1st seeds.
import Type from 'typebox'
import {
  Beginning,
  Cursor,
  closed,
  GatewayName,
  Limit,
  Name,
  nullable,
  oneOf,
  PneCounts,
  pageOf,
  Time,
} from './common.ts'

export const NewUser = Type.Object({ name: Name }, closed)
const userFields = { name: Type.String(), generation: Type.Integer(), created: Time, removed: nullable(Time) }
export const User = Type.Object(userFields)
export const UserPage = pageOf(User)
/** `q` is the beginning of the name. */
export const UserQuery = Type.Object({ q: Beginning, limit: Limit, cursor: Cursor }, closed)

const Roaming = oneOf('any', 'listed', 'none')
const SessionsMax = nullable(Type.Integer({ minimum: 1, maximum: 65535, description: 'null for no limit' }))
const Generation = Type.Object({
  generation: Type.Integer(),
  created: Time,
  retired: Type.Boolean({ description: 'the 1st seed was destroyed' }),
  keys: Type.Integer({ description: 'active keys that are calculated from it' }),
})
export const UserDetails = Type.Object({
  ...userFields,
  version: Type.Integer({ description: 'as the ETag has it' }),
  generations: Type.Array(Generation),
  policy: Type.Object({ roaming: Roaming, gateways: Type.Array(Type.String()), sessionsMax: SessionsMax }),
  pnes: PneCounts,
})
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
    description:
      'false: the database may still hold copies of the sealed 1st seed, for somebody reads it, or it is PostgreSQL',
  }),
})
export const UserRemoval = Type.Object({
  name: Type.String(),
  removed: Time,
  pnes: Type.Integer({ description: 'PNEs that were revoked by it' }),
  gateways: Type.Array(Type.String(), { description: 'gateways that were revoked by it' }),
  erased: Type.Boolean({
    description:
      'false: the database may still hold copies of the sealed 1st seeds, for somebody reads it, or it is PostgreSQL',
  }),
})
