// Messages to and from CBOR (RFC 8949): deterministic encoding (section 4.2), strict decoding. Framing is not here.
// docs/protocol.md section 3.

import { encode as encodeCbor } from 'cborg'
import { readMap } from './cbor.ts'
import { ProtocolError } from './errors.ts'
import type { Fields, Message, MessageOf, ValuesOf } from './schema.ts'

/**
 * Encodes a message: a map with its number under key 0 and its fields under theirs.
 * @throws {TypeError} a field is missing or outside its limits: a caller's bug
 */
export function encode<F extends Fields>(message: Message<string, F>, values: ValuesOf<F>): Uint8Array {
  const map = new Map<number, unknown>([[0, message.number]])
  for (const [name, field] of message.rows) {
    const value = (values as Record<string, unknown>)[name]
    if (value === undefined && field.optional) continue
    if (!field.kind.accepts(value)) throw new TypeError(`${message.name}: ${name} must be ${field.kind.cddl}`)
    map.set(field.key, value)
  }
  return encodeCbor(map)
}

/**
 * Decodes one frame body that must be one of the `expected` messages.
 * @throws {ProtocolError} MALFORMED_MESSAGE: not deterministic CBOR, trailing octets, a duplicate, unknown or missing
 *   key, a value outside its declaration. UNEXPECTED_MESSAGE: another message than those expected
 */
export function decode<const M extends readonly Message[]>(body: Uint8Array, ...expected: M): MessageOf<M[number]> {
  const map = readMap(body)
  const number = map.get(0)
  const message = expected.find((one) => one.number === number)
  if (!message) throw new ProtocolError('UNEXPECTED_MESSAGE', unexpected(number, expected))
  return readFields(message, map) as MessageOf<M[number]>
}

function readFields(message: Message, map: ReadonlyMap<number, unknown>): unknown {
  const values: Record<string, unknown> = { type: message.name }
  let found = 1
  for (const [name, field] of message.rows) {
    const value = map.get(field.key)
    if (value === undefined && field.optional) continue
    if (!field.kind.accepts(value)) {
      throw new ProtocolError('MALFORMED_MESSAGE', `${message.name}: ${name} must be ${field.kind.cddl}`)
    }
    values[name] = value
    found++
  }
  if (found !== map.size) throw new ProtocolError('MALFORMED_MESSAGE', `${message.name}: it has an unknown key`)
  return values
}

function unexpected(number: unknown, expected: readonly Message[]): string {
  const got = typeof number === 'number' ? `message ${number}` : 'no message number'
  return `expected ${expected.map((one) => one.name).join(' or ')}, got ${got}`
}
