// Operators: their tokens, their sessions in a browser, and what they asked for.
import Type from 'typebox'
import { roles } from '../../../operators/roles.ts'
import { Before, closed, Limit, Name, nullable, oneOf, pageOf, Time, textOf } from './common.ts'

const Role = oneOf(...roles)
const YEARS_10_S = 315_360_000

export const NewLogin = Type.Object({ token: Type.String({ minLength: 1, maxLength: 512 }) }, closed)
export const Login = Type.Object({
  name: Type.String(),
  role: Role,
  realm: Type.String(),
  expires: nullable(Time, 'of the session, or of the token'),
})
export const Nothing = Type.Null({ description: 'no content' })

const tokenFields = {
  id: Type.String({ description: '12 characters; proves nothing' }),
  name: Type.String(),
  role: Role,
  created: Time,
  createdBy: Type.String(),
  expires: nullable(Time),
  revoked: nullable(Time),
  used: nullable(Time, 'to the hour'),
}
export const Token = Type.Object(tokenFields)
export const TokenPage = pageOf(Token)
export const NewToken = Type.Object(
  { name: Name, role: Role, expiresInS: Type.Optional(Type.Integer({ minimum: 60, maximum: YEARS_10_S })) },
  closed,
)
export const IssuedToken = Type.Object({ ...tokenFields, token: Type.String({ description: 'shown this once' }) })
/** The id of a token, or the name of one that is not revoked. */
export const TokenParams = Type.Object({ id: textOf(63) }, closed)

const Word = Type.Optional(textOf(256))
export const AuditQuery = Type.Object({ actor: Word, action: Word, target: Word, before: Before, limit: Limit }, closed)
export const AuditEntry = Type.Object({
  id: Type.Integer(),
  at: Time,
  actor: Type.String({ description: 'name of the token' }),
  role: Role,
  action: Type.String(),
  target: nullable(Type.String()),
  facts: nullable(Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true })),
  from: Type.String({ description: 'address' }),
  outcome: nullable(Type.String(), 'done, the code of the refusal, or null: nobody knows whether it was done'),
})
export const AuditPage = Type.Object({ items: Type.Array(AuditEntry) })
