// Random messages for the property tests, made from the CDDL that each declaration prints: so the tests also hold the
// printed CDDL to what the codec accepts. Knows the few forms of CDDL that schema.ts writes, and no others.

import fc from 'fast-check'
import * as protocol from '../src/index.ts'
import type { Message } from '../src/schema.ts'

/** A message's fields by name; an optional one may be missing. */
export type Values = Record<string, unknown>

/** The encoder without the type of one particular message. */
export const encode = protocol.encode as (message: Message, values: Values) => Uint8Array

/** Every message that the package declares. */
export const messages: readonly Message[] = (Object.values(protocol) as unknown[]).filter(isMessage)

/** Any fields that a message may carry. */
export function valuesOf(message: Message): fc.Arbitrary<Values> {
  const fields = Object.entries(message.fields)
  const model = Object.fromEntries(fields.map(([name, field]) => [name, arbitrary(field.kind.cddl)]))
  const requiredKeys = fields.filter(([, field]) => !field.optional).map(([name]) => name)
  return fc.record(model, { requiredKeys }) as fc.Arbitrary<Values>
}

/** Any value of one kind, by its CDDL. */
export function arbitrary(cddl: string): fc.Arbitrary<unknown> {
  const list = /^\[(\d+)\*(\d+) (.+)\]$/.exec(cddl)
  if (list) return fc.array(arbitrary(list[3] ?? ''), { minLength: Number(list[1]), maxLength: Number(list[2]) })
  const sized = /^(bytes|text) \.size \(?(\d+)(?:\.\.(\d+))?\)?$/.exec(cddl)
  if (sized) return octetsOrText(sized[1] ?? '', Number(sized[2]), Number(sized[3] ?? sized[2]))
  const range = /^(\d+)\.\.(\d+)$/.exec(cddl)
  if (range) return fc.integer({ min: Number(range[1]), max: Number(range[2]) })
  const named = names[cddl]
  if (!named) throw new TypeError(`no arbitrary for the CDDL ${cddl}`)
  return named
}

const names: Record<string, fc.Arbitrary<unknown>> = {
  'uint .size 4': fc.integer({ min: 0, max: 0xffffffff }),
  bool: fc.boolean(),
  result: fc.constantFrom(...Object.values(protocol.Result)),
  case: fc.constantFrom(...Object.values(protocol.Case)),
  'end-reason': fc.constantFrom(...Object.values(protocol.EndReason)),
  'registration-kind': fc.constantFrom(...Object.values(protocol.RegistrationKind)),
  'key-used': fc.constantFrom(...Object.values(protocol.KeyUsed)),
  reason: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
  traceparent: fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/),
}

/** Text counts in octets of UTF-8, so characters of up to 4 octets are cut to fit. */
function octetsOrText(type: string, minLength: number, maxLength: number): fc.Arbitrary<unknown> {
  if (type === 'bytes') return fc.uint8Array({ minLength, maxLength })
  return fc
    .string({ unit: 'grapheme', minLength, maxLength })
    .map((long) => fit(long, maxLength))
    .filter((text) => Buffer.byteLength(text) >= minLength && !/[\p{Cc}\ufeff]/u.test(text))
}

function fit(text: string, octets: number): string {
  const points = [...text]
  while (Buffer.byteLength(points.join('')) > octets) points.pop()
  return points.join('')
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'number' in value && 'fields' in value
}
