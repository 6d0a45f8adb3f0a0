// Gateways, and the credential of a new one.
import Type from 'typebox'
import { closed, GatewayName, Name, nullable, oneOf, pageOf, Time } from './common.ts'

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
