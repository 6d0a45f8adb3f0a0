// A map in CBOR (RFC 8949) as messages have it, in deterministic encoding (section 4.2.1) and no other: unsigned integers as keys;
// unsigned integers below 2^53, octets, text, booleans and lists of these as values.
//
// cborg makes the tokens, and refuses lengths and integers that are not in their shortest form. What else the form asks for is
// checked here: ascending keys, no float in the place of an integer, UTF-8 that stays the same, nothing after the end.

import { encode as encodeCbor, type Token, Tokenizer, Type } from 'cborg'
import { ProtocolError } from './errors.ts'

const LIST_DEPTH = 4
const options = { strict: true, allowIndefinite: false } as const

/** @throws {ProtocolError} MALFORMED_MESSAGE */
export function readMap(body: Uint8Array): Map<number, unknown> {
  try {
    return new Reader(body).map()
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause
    throw malformed('the frame is not one CBOR item of the kinds we use', { cause })
  }
}

class Reader {
  readonly #body: Uint8Array
  readonly #tokens: Tokenizer

  constructor(body: Uint8Array) {
    this.#body = new Uint8Array(body.buffer, body.byteOffset, body.length)
    this.#tokens = new Tokenizer(this.#body, options)
  }

  map(): Map<number, unknown> {
    const { type, value: size } = this.#next()
    if (type !== Type.map) throw malformed('the frame is not a CBOR map')
    const map = new Map<number, unknown>()
    for (let before = -1; map.size < size; ) {
      const key = this.#next()
      if (key.type !== Type.uint || !(key.value > before)) throw malformed('the keys are not ascending integers')
      before = key.value
      map.set(key.value, this.#item(0))
    }
    if (!this.#tokens.done()) throw malformed('there are octets after the map')
    return map
  }

  #item(depth: number): unknown {
    const begin = this.#tokens.pos()
    const token = this.#next()
    switch (token.type) {
      case Type.uint:
      case Type.bytes:
      case Type.true:
      case Type.false:
        return token.value
      case Type.string:
        return this.#text(token.value, begin)
      case Type.array:
        return this.#list(token.value, depth + 1)
      default:
        throw malformed(`there is a ${token.type.name}, which no field is`)
    }
  }

  #list(length: number, depth: number): unknown[] {
    if (depth > LIST_DEPTH) throw malformed('there are too many lists in lists')
    const items: unknown[] = []
    while (items.length < length) items.push(this.#item(depth))
    return items
  }

  /** What is not UTF-8, or begins with a byte order mark, was read as another text than it is. */
  #text(text: string, begin: number): string {
    const octets = this.#body.subarray(begin, this.#tokens.pos())
    if (Buffer.compare(encodeCbor(text), octets) !== 0) throw malformed('there is text that is not UTF-8')
    return text
  }

  #next(): Token {
    if (this.#tokens.done()) throw malformed('the frame ends too early')
    return this.#tokens.next()
  }
}

function malformed(message: string, options?: ErrorOptions): ProtocolError {
  return new ProtocolError('MALFORMED_MESSAGE', message, options)
}
