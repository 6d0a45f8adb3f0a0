// What several schemas share. Times are ISO 8601 in UTC. A field that may be absent is null in responses.
import Type from 'typebox'

/** Unknown fields are refused. */
export const closed = { additionalProperties: false }

export const nullable = <T extends Type.TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
export const oneOf = <const T extends string>(...words: readonly T[]) => Type.Unsafe<T>({ type: 'string', enum: words })
export const pageOf = <T extends Type.TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: nullable(Type.String()) })

/**
 * Text of a person: no control or format characters, so that no line of a log or of a terminal is other than it looks.
 * @param max  UTF-16 code units
 */
export const textOf = (max: number, options: { description?: string } = {}) =>
  Type.String({ minLength: 1, maxLength: max, pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*$', ...options })

export const Time = Type.String({ description: 'ISO 8601, UTC' })
export const Name = textOf(63, { description: 'letters a-z, digits and inner hyphens' })
/** The name of a gateway, with or without the realm. */
export const GatewayName = textOf(253)

/** A query is text, so numbers are checked as text. 1 to 1000. */
export const Limit = Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$' }))
export const Cursor = Type.Optional(textOf(512))
/** The beginning of a name. */
export const Beginning = Type.Optional(textOf(253))
/** The number of a row: the list goes on below it. */
export const Before = Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,14}$' }))

/** The ETag of the answer that a change is made for. */
export const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 64 })) })

export const PneCounts = Type.Object({ pending: Type.Integer(), active: Type.Integer(), revoked: Type.Integer() })

export const NoQuery = Type.Object({}, closed)
export const PageQuery = Type.Object({ limit: Limit, cursor: Cursor }, closed)

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
