// The inventory of PNEs.
import Type from 'typebox'
import { Cursor, closed, GatewayName, Limit, Name, nullable, oneOf, pageOf, Time, textOf } from './common.ts'
import { Session } from './presence.ts'

const PneState = oneOf('pending', 'active', 'revoked')

export const PneQuery = Type.Object(
  {
    state: Type.Optional(PneState),
    user: Type.Optional(Name),
    gateway: Type.Optional(GatewayName),
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: '^(?=.*\\S)[^\\p{C}\\p{Zl}\\p{Zp}]*$',
        description: 'beginnings of words of the name, or of the id',
      }),
    ),
    limit: Limit,
    cursor: Cursor,
  },
  closed,
)
const pneFields = {
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
}
export const Pne = Type.Object(pneFields)
const Key = Type.Object({
  generation: Type.Integer({ description: 'of the 1st seed that it is calculated from' }),
  state: oneOf('pending', 'active', 'retired', 'revoked'),
  created: Time,
  confirmed: nullable(Time),
  retired: nullable(Time),
  gateway: Type.String({ description: 'that assigned it' }),
})
export const PneDetails = Type.Object({
  ...pneFields,
  keys: Type.Array(Key, { description: 'the newest first' }),
  registered: nullable(Session),
})
export const PnePage = pageOf(Pne)
export const PneParams = Type.Object({ id: textOf(256) }, closed)
export const Revocation = Type.Object({ id: Type.String(), sequence: Type.Integer(), revoked: Time })
export const RotationAsked = Type.Object({ id: Type.String(), asked: Type.Literal(true) })
