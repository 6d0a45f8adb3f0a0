// The inventory of PNEs.
import Type from 'typebox'
import { Cursor, closed, Limit, Name, nullable, oneOf, pageOf, Time } from './common.ts'

const PneState = oneOf('pending', 'active', 'revoked')

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
