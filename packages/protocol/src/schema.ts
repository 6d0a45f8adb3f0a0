// The small language in which messages are declared: a declaration gives the TypeScript type, the check of each field
// with its limits, and the CDDL (RFC 8610) that docs/protocol.md prints. It knows no message and no octet of CBOR.

/** What one field may hold. */
export interface Kind<T> {
  readonly cddl: string
  accepts(value: unknown): value is T
}

export interface Field<T = unknown, Optional extends boolean = boolean> {
  readonly key: number
  readonly kind: Kind<T>
  readonly optional: Optional
}

export type Fields = Readonly<Record<string, Field>>

type ValueOf<F> = F extends Field<infer T> ? T : never
type OptionalNames<F extends Fields> = { [K in keyof F]: F[K]['optional'] extends true ? K : never }[keyof F]
type Flat<T> = { [K in keyof T]: T[K] } & {}

/** The value that carries these fields, without its message type. */
export type ValuesOf<F extends Fields> = Flat<
  { [K in Exclude<keyof F, OptionalNames<F>>]: ValueOf<F[K]> } & { [K in OptionalNames<F>]?: ValueOf<F[K]> }
>

/** One message of the protocol: its number on the wire, its name and its fields. */
export interface Message<Name extends string = string, F extends Fields = Fields> {
  readonly number: number
  readonly name: Name
  readonly fields: F
  /** The fields with their names, as the codec goes through them. */
  readonly rows: readonly (readonly [name: string, field: Field])[]
}

/** A decoded message: its fields and, as `type`, its name. */
export type MessageOf<M extends Message> = M extends Message<infer Name, infer F> ? { type: Name } & ValuesOf<F> : never

/** Declares a message. Key 0 of its map is `number`; the fields use the keys from 1. */
export function message<const Name extends string, F extends Fields>(
  number: number,
  name: Name,
  fields: F,
): Message<Name, F> {
  const keys = Object.values(fields).map((field) => field.key)
  if (keys.some((key, at) => key !== at + 1)) throw new TypeError(`${name}: keys must be 1, 2, 3, … in order`)
  return { number, name, fields, rows: Object.entries(fields) }
}

export function field<T>(key: number, kind: Kind<T>): Field<T, false> {
  return { key, kind, optional: false }
}

export function optional<T>(key: number, kind: Kind<T>): Field<T, true> {
  return { key, kind, optional: true }
}

/** An unsigned integer from `min` to `max`, both included. */
export function uint({ min = 0, max }: { min?: number; max: number }): Kind<number> {
  return {
    cddl: min === 0 && max === 0xffffffff ? 'uint .size 4' : `${min}..${max}`,
    accepts: (value): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max,
  }
}

/** Octets: exactly `length`, or from `min` to `max` of them. */
export function bytes(limits: { length: number } | { min: number; max: number }): Kind<Uint8Array> {
  const [min, max] = 'length' in limits ? [limits.length, limits.length] : [limits.min, limits.max]
  return {
    cddl: min === max ? `bytes .size ${max}` : `bytes .size (${min}..${max})`,
    accepts: (value): value is Uint8Array => value instanceof Uint8Array && value.length >= min && value.length <= max,
  }
}

/** Text of `min` to `max` octets of UTF-8, without control characters or a byte order mark. */
export function text({ min = 1, max }: { min?: number; max: number }): Kind<string> {
  return {
    cddl: `text .size (${min}..${max})`,
    accepts: (value): value is string => {
      if (typeof value !== 'string' || value.length > max) return false
      const octets = Buffer.byteLength(value)
      return octets >= min && octets <= max && !/[\p{Cc}\ufeff]/u.test(value)
    },
  }
}

/** Text of a fixed form. @param cddl the name of its rule in docs/protocol.md section 4 */
export function pattern(cddl: string, form: RegExp): Kind<string> {
  return { cddl, accepts: (value): value is string => typeof value === 'string' && form.test(value) }
}

/** `false` or `true`. */
export const bool: Kind<boolean> = {
  cddl: 'bool',
  accepts: (value): value is boolean => typeof value === 'boolean',
}

/** An array of `min` to `max` items of one kind. */
export function list<T>(item: Kind<T>, { min = 0, max }: { min?: number; max: number }): Kind<T[]> {
  return {
    cddl: `[${min}*${max} ${item.cddl}]`,
    accepts: (value): value is T[] =>
      Array.isArray(value) && value.length >= min && value.length <= max && value.every((one) => item.accepts(one)),
  }
}

/** One of the numbers of a table such as `Result`. */
export function oneOf<T extends number>(table: Readonly<Record<string, T>>, cddl: string): Kind<T> {
  const numbers = new Set<unknown>(Object.values(table))
  return { cddl, accepts: (value): value is T => numbers.has(value) }
}
