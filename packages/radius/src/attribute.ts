// Attributes and what their values are: the data types of RFC 2865 section 5, with the limits of each definition.
// A definition is declared once, in the file of its RFC; reading, writing and the limits come from there.

import { isUtf8 } from 'node:buffer'
import { isIPv4 } from 'node:net'
import { RadiusError } from './errors.ts'

/** One attribute of a packet, its value as octets (0 to 253). */
export interface Attribute {
  readonly type: number
  readonly value: Buffer
}

interface Kind<T> {
  readonly name: 'text' | 'octets' | 'integer' | 'ipv4'
  encode(value: T): Buffer
  /** undefined: the octets are none of this kind. */
  decode(octets: Buffer): T | undefined
}

/** The definition of an attribute: type number, name, kind of value and the least and most octets that it may have. */
export class Definition<T> {
  readonly type: number
  readonly name: string
  readonly minOctets: number
  readonly maxOctets: number
  readonly #kind: Kind<T>

  constructor(type: number, name: string, kind: Kind<T>, minOctets: number, maxOctets: number) {
    this.type = type
    this.name = name
    this.minOctets = minOctets
    this.maxOctets = maxOctets
    this.#kind = kind
  }

  get kind(): Kind<T>['name'] {
    return this.#kind.name
  }

  /**
   * An attribute with this value.
   * @throws {RangeError} the value does not fit the definition: a caller's bug
   */
  of(value: T): Attribute {
    const octets = this.#kind.encode(value)
    if (!this.#fits(octets)) throw new RangeError(`${this.name} cannot have a value of ${octets.length} octets`)
    return { type: this.type, value: octets }
  }

  /**
   * The value of this attribute in a packet where it may occur once.
   * @throws {RadiusError} RADIUS_MALFORMED: there more than once, or its value does not fit the definition
   */
  find(attributes: readonly Attribute[]): T | undefined {
    let found: Attribute | undefined
    for (const attribute of attributes) {
      if (attribute.type !== this.type) continue
      if (found) throw new RadiusError('RADIUS_MALFORMED', `${this.name} is there more than once`)
      found = attribute
    }
    return found && this.read(found)
  }

  /**
   * The values of this attribute, in their order.
   * @throws {RadiusError} RADIUS_MALFORMED: a value does not fit the definition
   */
  findAll(attributes: readonly Attribute[]): T[] {
    return attributes.filter(({ type }) => type === this.type).map((attribute) => this.read(attribute))
  }

  /** @throws {RadiusError} RADIUS_MALFORMED: the value does not fit the definition */
  read({ value }: Attribute): T {
    const decoded = this.#fits(value) ? this.#kind.decode(value) : undefined
    if (decoded === undefined) {
      throw new RadiusError('RADIUS_MALFORMED', `${this.name} has a value that is not ${this.kind} as its RFC wants it`)
    }
    return decoded
  }

  #fits(octets: Buffer): boolean {
    return octets.length >= this.minOctets && octets.length <= this.maxOctets
  }
}

interface Limits {
  min?: number
  max?: number
}

/** UTF-8, 1 to 253 octets unless told otherwise. */
export function text(type: number, name: string, { min = 1, max = 253 }: Limits = {}): Definition<string> {
  return new Definition(type, name, textKind, min, max)
}

/** Octets that nobody looks into, 1 to 253 unless told otherwise. */
export function octets(type: number, name: string, { min = 1, max = 253 }: Limits = {}): Definition<Buffer> {
  return new Definition(type, name, octetsKind, min, max)
}

/** 32 bits without a sign, big-endian. Also times (seconds since the epoch) and enumerations. */
export function integer(type: number, name: string): Definition<number> {
  return new Definition(type, name, integerKind, 4, 4)
}

/** An IPv4 address in dotted form. */
export function ipv4(type: number, name: string): Definition<string> {
  return new Definition(type, name, ipv4Kind, 4, 4)
}

const textKind: Kind<string> = {
  name: 'text',
  encode: (value) => Buffer.from(value, 'utf8'),
  decode: (octets) => (isUtf8(octets) ? octets.toString('utf8') : undefined),
}

const octetsKind: Kind<Buffer> = {
  name: 'octets',
  encode: (value) => value,
  decode: (octets) => octets,
}

const integerKind: Kind<number> = {
  name: 'integer',
  encode(value) {
    const octets = Buffer.allocUnsafe(4)
    octets.writeUInt32BE(value)
    return octets
  },
  decode: (octets) => octets.readUInt32BE(),
}

const ipv4Kind: Kind<string> = {
  name: 'ipv4',
  encode(value) {
    if (!isIPv4(value)) throw new RangeError(`${value} is not an IPv4 address`)
    return Buffer.from(value.split('.').map(Number))
  },
  decode: (octets) => octets.join('.'),
}
