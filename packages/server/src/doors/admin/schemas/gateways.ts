// Gateways, and the credential of a new one.
import Type from 'typebox'
import { Beginning, Cursor, closed, GatewayName, Limit, Name, nullable, oneOf, pageOf, Time } from './common.ts'

const Kind = oneOf('cpns', 'radius')
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
  version: Type.Integer({ description: 'as the ETag has it' }),
  kind: Kind,
  radius: nullable(Radius),
  visitors: Type.Boolean(),
  user: Type.String(),
  created: Time,
  revoked: nullable(Time),
  connected: nullable(Type.Boolean(), 'null for a RADIUS client, which has no link'),
  connectedSince: nullable(Time),
  registered: Type.Integer({ description: 'PNEs that are registered now' }),
})
export const GatewayPage = pageOf(Gateway)
/** `q` is the beginning of the name. */
export const GatewayQuery = Type.Object(
  {
    q: Beginning,
    user: Type.Optional(Name),
    kind: Type.Optional(Kind),
    state: Type.Optional(oneOf('active', 'revoked')),
    limit: Limit,
    cursor: Cursor,
  },
  closed,
)
export const GatewayParams = Type.Object({ name: GatewayName }, closed)
export const GatewayChange = Type.Object({ visitors: Type.Boolean() }, closed)
