// The messages of EAP-GPSK, each declared once: RFC 5433 section 9. The MAC covers all octets between OP-Code and itself.
// Leaves out the payloads inside PD_Payload: the block is bounded, covered by the MAC, and ignored.

import { timingSafeEqual } from 'node:crypto'
import { EapError } from '../errors.ts'
import { Code, decodePacket, isTyped, Type, type TypedPacket, typedHeader } from '../packet.ts'
import { Reader } from '../reader.ts'
import type { Ciphersuite, Mac } from './ciphersuite.ts'
import { csuite, csuiteList, type Field, octets, uint, vector } from './fields.ts'

export const OpCode = { Gpsk1: 1, Gpsk2: 2, Gpsk3: 3, Gpsk4: 4, Fail: 5, ProtectedFail: 6 } as const
export type OpCode = (typeof OpCode)[keyof typeof OpCode]

/** Octets of RAND_Peer and RAND_Server. */
export const RAND_OCTETS = 32

/** Octets before the first field: code, identifier, length (2), type, OP-Code. */
const PREFIX_OCTETS = 6

/** ID_Peer and ID_Server: 1 to 253 octets, as a network access identifier (RFC 7542). */
const id = vector({ min: 1, max: 253 })
const rand = octets(RAND_OCTETS)
const csuites = csuiteList({ max: 16 })
const pdPayload = vector({ min: 0, max: 1024 })
const failureCode = uint(4)

interface Declaration<T> {
  readonly opCode: OpCode
  readonly fields: { readonly [K in keyof T]: Field<T[K]> }
}

function declare<T extends object>(opCode: OpCode, fields: Declaration<T>['fields']): Declaration<T> {
  return { opCode, fields }
}

type FieldsOf<D> = D extends Declaration<infer T> ? Readonly<T> : never

export const gpsk1 = declare(OpCode.Gpsk1, { idServer: id, randServer: rand, csuiteList: csuites })
export const gpsk2 = declare(OpCode.Gpsk2, {
  idPeer: id,
  idServer: id,
  randPeer: rand,
  randServer: rand,
  csuiteList: csuites,
  csuiteSel: csuite,
  pdPayload,
})
export const gpsk3 = declare(OpCode.Gpsk3, {
  randPeer: rand,
  randServer: rand,
  idServer: id,
  csuiteSel: csuite,
  pdPayload,
})
export const gpsk4 = declare(OpCode.Gpsk4, { pdPayload })
export const fail = declare(OpCode.Fail, { failureCode })
export const protectedFail = declare(OpCode.ProtectedFail, { failureCode })

interface Envelope {
  /** Of the EAP packet: 0 to 255. */
  readonly identifier: number
}

/** A message and its proof: `mac` (KS octets) should be the MAC of `covered`. */
interface Proof {
  readonly covered: Uint8Array
  readonly mac: Uint8Array
}

export type Gpsk1 = FieldsOf<typeof gpsk1> & Envelope
export type Gpsk2 = FieldsOf<typeof gpsk2> & Envelope & Proof

/**
 * The OP-Code of a GPSK packet, as far as it can be told without reading the message.
 * @throws {EapError} EAP_MALFORMED: no OP-Code
 */
export function opCodeOf({ data }: TypedPacket): number {
  return new Reader(data).uint(1)
}

/**
 * Decodes a message without MAC.
 * @throws {EapError} EAP_MALFORMED; EAP_UNEXPECTED: another code, type or message
 */
export function decodePlain<T extends object>(
  declaration: Declaration<T>,
  code: TypedPacket['code'],
  packet: Uint8Array,
): T & Envelope {
  const { reader, identifier } = open(declaration, code, packet)
  const message = readFields(declaration, reader)
  reader.end()
  return { ...message, identifier }
}

/**
 * Decodes a message with MAC, and does not check it yet.
 * @param suite tells, from the message or what came before it, how long the MAC is
 * @throws {EapError} EAP_MALFORMED; EAP_UNEXPECTED: another code, type or message; what `suite` throws
 */
export function decodeProved<T extends object>(
  declaration: Declaration<T>,
  code: TypedPacket['code'],
  packet: Uint8Array,
  suite: (message: T) => Ciphersuite,
): T & Envelope & Proof {
  const { reader, identifier, body } = open(declaration, code, packet)
  const message = readFields(declaration, reader)
  const covered = body.subarray(1, reader.position)
  const mac = reader.take(suite(message).ks)
  reader.end()
  return { ...message, identifier, covered, mac }
}

/** In constant time, and false when the lengths differ. */
export function isProved({ covered, mac }: Proof, expected: Mac): boolean {
  const right = expected(covered)
  return right.length === mac.length && timingSafeEqual(right, mac)
}

/**
 * Encodes a message; with `proof`, its MAC of KS octets at the end.
 * @throws {RangeError} a field out of its bounds: a caller's bug
 */
export function encodeMessage<T extends object>(
  declaration: Declaration<T>,
  code: TypedPacket['code'],
  message: T & Envelope,
  proof?: { readonly ciphersuite: Ciphersuite; readonly skMac: Mac },
): Buffer {
  const { opCode, fields } = declaration
  let size = 0
  for (const name in fields) size += fields[name].size(message[name])
  const packet = typedHeader(code, message.identifier, Type.Gpsk, 1 + size + (proof?.ciphersuite.ks ?? 0))
  packet[PREFIX_OCTETS - 1] = opCode
  let at = PREFIX_OCTETS
  for (const name in fields) at = fields[name].write(packet, at, message[name])
  if (proof !== undefined) packet.set(proof.skMac(packet.subarray(PREFIX_OCTETS, at)), at)
  return packet
}

function open(declaration: { opCode: OpCode }, code: TypedPacket['code'], octets: Uint8Array) {
  const packet = decodePacket(octets)
  if (!isTyped(packet) || packet.code !== code || packet.type !== Type.Gpsk) {
    throw new EapError('EAP_UNEXPECTED', `Not an EAP-${code === Code.Request ? 'Request' : 'Response'} of type GPSK`)
  }
  const reader = new Reader(packet.data)
  const opCode = reader.uint(1)
  if (opCode !== declaration.opCode) {
    throw new EapError('EAP_UNEXPECTED', `OP-Code is ${opCode}, expected ${declaration.opCode}`)
  }
  return { reader, identifier: packet.identifier, body: packet.data }
}

function readFields<T extends object>({ fields }: Declaration<T>, reader: Reader): T {
  const message = {} as T
  for (const name in fields) message[name] = fields[name].read(reader)
  return message
}
