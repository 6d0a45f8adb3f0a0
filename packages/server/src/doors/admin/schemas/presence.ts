// Personal networks, and what is registered in them.
import Type from 'typebox'
import { Beginning, Cursor, closed, GatewayName, Limit, Name, nullable, pageOf, Time, textOf } from './common.ts'

const pnFields = {
  gateway: Type.String(),
  user: Type.String(),
  visitors: Type.Boolean(),
  registered: Type.Integer({ description: 'PNEs that are registered now' }),
}
/** `q` is the beginning of the name of the gateway. */
export const PnQuery = Type.Object({ q: Beginning, user: Type.Optional(Name), limit: Limit, cursor: Cursor }, closed)
export const PnPage = pageOf(Type.Object(pnFields))
export const Session = Type.Object({
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
    pne: Type.Optional(textOf(64)),
    limit: Limit,
    cursor: Cursor,
  },
  closed,
)
/** A personal network, and a page of what is registered in it. */
export const Pn = Type.Object({ ...pnFields, items: Type.Array(Session), next: nullable(Type.String()) })
