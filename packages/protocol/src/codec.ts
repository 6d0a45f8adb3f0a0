// Messages to and from CBOR (RFC 8949): deterministic encoding (section 4.2), strict decoding. Framing is not here.
// docs/protocol.md section 3. Strictness is one comparison: what we decoded must encode to the very octets we got.

import { decode as decodeCbor, encode as encodeCbor } from 'cborg'
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
  const map = decodeMap(body)
  const number = map.get(0)
  const message = expected.find((one) => one.number === number)
  if (!message) throw new ProtocolError('UNEXPECTED_MESSAGE', unexpected(number, expected))
  return readFields(message, map) as MessageOf<M[number]>
}

function readFields(message: Message, map: Map<unknown, unknown>): unknown {
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

const options = { useMaps: true, strict: true, rejectDuplicateMapKeys: true, allowIndefinite: false } as const

function decodeMap(body: Uint8Array): Map<unknown, unknown> {
  let value: unknown
  let again: Uint8Array
  try {
    value = decodeCbor(body, options)
    again = encodeCbor(value)
  } catch (cause) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'the frame is not one CBOR item of the kinds we use', { cause })
  }
  if (!(value instanceof Map)) throw new ProtocolError('MALFORMED_MESSAGE', 'the frame is not a CBOR map')
  if (Buffer.compare(body, again) !== 0) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'the frame is not in deterministic encoding (RFC 8949 section 4.2)')
  }
  return value
}

function unexpected(number: unknown, expected: readonly Message[]): string {
  const got = typeof number === 'number' ? `message ${number}` : 'no message number'
  return `expected ${expected.map((one) => one.name).join(' or ')}, got ${got}`
}
