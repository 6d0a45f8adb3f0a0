// EAP packets: RFC 3748 section 4, and the types Identity, Notification and Nak of section 5.
// Stricter than section 4 in one point: octets after Length are refused, because no link that we use pads.
// Leaves out expanded types (254) and the initial methods of section 5.4 to 5.6: a peer answers them with a Nak.

import { EapError } from './errors.ts'
import { Reader } from './reader.ts'

export const Code = { Request: 1, Response: 2, Success: 3, Failure: 4 } as const
export type Code = (typeof Code)[keyof typeof Code]

export const Type = { Identity: 1, Notification: 2, Nak: 3, Gpsk: 51 } as const

/** Octets of the longest packet that is read or written. GPSK needs fewer than 1,020, the least MTU of RFC 3748 section 3.1. */
export const MAX_PACKET_OCTETS = 4096

const HEADER_OCTETS = 4

/** Request or Response: `type` 1 to 255, `data` 0 to 4091 octets. */
export interface TypedPacket {
  readonly code: typeof Code.Request | typeof Code.Response
  readonly identifier: number
  readonly type: number
  readonly data: Uint8Array
}

/** Success or Failure: 4 octets and no data. */
export interface ResultPacket {
  readonly code: typeof Code.Success | typeof Code.Failure
  readonly identifier: number
}

export type EapPacket = TypedPacket | ResultPacket

/**
 * Decodes one packet; `data` is a view of `octets`.
 * @throws {EapError} EAP_MALFORMED
 */
export function decodePacket(octets: Uint8Array): EapPacket {
  if (octets.length > MAX_PACKET_OCTETS) {
    throw new EapError('EAP_MALFORMED', `The packet is ${octets.length} octets long, the limit is ${MAX_PACKET_OCTETS}`)
  }
  const reader = new Reader(octets)
  const code = reader.uint(1)
  const identifier = reader.uint(1)
  const length = reader.uint(2)
  if (length !== octets.length) {
    throw new EapError('EAP_MALFORMED', `Length says ${length} octets, the packet has ${octets.length}`)
  }
  switch (code) {
    case Code.Success:
    case Code.Failure:
      reader.end()
      return { code, identifier }
    case Code.Request:
    case Code.Response:
      return { code, identifier, ...readTyped(reader, length) }
    default:
      throw new EapError('EAP_MALFORMED', `Code ${code} is not one of EAP`)
  }
}

function readTyped(reader: Reader, length: number): { type: number; data: Uint8Array } {
  const type = reader.uint(1)
  if (type === 0) throw new EapError('EAP_MALFORMED', 'Type 0 stands for no method')
  return { type, data: reader.take(length - reader.position) }
}

/** @throws {RangeError} `identifier`, `type` or the length of `data` out of range: a caller's bug */
export function encodePacket(packet: EapPacket): Buffer {
  if (!isTyped(packet)) return header(packet.code, packet.identifier, HEADER_OCTETS)
  const octets = typedHeader(packet.code, packet.identifier, packet.type, packet.data.length)
  octets.set(packet.data, HEADER_OCTETS + 1)
  return octets
}

/** Whether the packet is a Request or a Response. */
export function isTyped(packet: EapPacket): packet is TypedPacket {
  return packet.code === Code.Request || packet.code === Code.Response
}

/** Request or Response of `dataOctets` octets after Type, all of which the caller fills in. */
export function typedHeader(code: TypedPacket['code'], identifier: number, type: number, dataOctets: number): Buffer {
  if (type < 1 || type > 255) throw new RangeError(`EAP type ${type} is not in 1 to 255`)
  const octets = header(code, identifier, HEADER_OCTETS + 1 + dataOctets)
  octets[HEADER_OCTETS] = type
  return octets
}

function header(code: Code, identifier: number, length: number): Buffer {
  if (length > MAX_PACKET_OCTETS) {
    throw new RangeError(`An EAP packet of ${length} octets is above ${MAX_PACKET_OCTETS}`)
  }
  const octets = Buffer.allocUnsafe(length)
  octets[0] = code
  octets.writeUInt8(identifier, 1)
  octets.writeUInt16BE(length, 2)
  return octets
}

/** The identifier of the request that follows the one with `identifier`. */
export function nextIdentifier(identifier: number): number {
  return (identifier + 1) & 0xff
}

/** EAP-Request/Identity without a displayable message. */
export function identityRequest(identifier: number): Buffer {
  return encodePacket({ code: Code.Request, identifier, type: Type.Identity, data: Buffer.alloc(0) })
}

/** EAP-Response of type Nak with the method types that the peer would take; [0] for none. RFC 3748 section 5.3.1. */
export function nak(identifier: number, types: readonly number[]): Buffer {
  return encodePacket({ code: Code.Response, identifier, type: Type.Nak, data: Uint8Array.from(types) })
}

/** EAP-Success; `identifier` is that of the Response which it answers. */
export function success(identifier: number): Buffer {
  return encodePacket({ code: Code.Success, identifier })
}

/** EAP-Failure; `identifier` is that of the Response which it answers. */
export function failure(identifier: number): Buffer {
  return encodePacket({ code: Code.Failure, identifier })
}
