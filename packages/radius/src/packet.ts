// RADIUS packets: RFC 2865 section 3, with the layout rule of Message-Authenticator (RFC 3579 section 3.2).
// Reads the structure only: what an attribute means is in the file of the RFC that defines it.
// Leaves out extended attributes (RFC 6929), which read as attributes 241 to 246 with an opaque value.

import type { Attribute } from './attribute.ts'
import { RadiusError } from './errors.ts'

export const Code = {
  AccessRequest: 1,
  AccessAccept: 2,
  AccessReject: 3,
  AccountingRequest: 4,
  AccountingResponse: 5,
  AccessChallenge: 11,
  StatusServer: 12,
} as const
export type Code = (typeof Code)[keyof typeof Code]

export const MIN_PACKET_OCTETS = 20
export const MAX_PACKET_OCTETS = 4096
export const AUTHENTICATOR_OCTETS = 16

/** Octets of a Message-Authenticator attribute's value. */
export const MESSAGE_AUTHENTICATOR_OCTETS = 16
export const MESSAGE_AUTHENTICATOR_TYPE = 80

const ATTRIBUTE_HEADER_OCTETS = 2
const MAX_VALUE_OCTETS = 253

interface Header {
  /** 0 to 255; `Code` has the names. */
  readonly code: number
  /** 0 to 255. */
  readonly identifier: number
  /** 16 octets. */
  readonly authenticator: Uint8Array
}

/** A decoded packet: all parts are views of `octets`. */
export interface Packet extends Header {
  readonly authenticator: Buffer
  readonly attributes: readonly Attribute[]
  /** The packet without padding: as many octets as its Length says. */
  readonly octets: Buffer
  /** Where in `octets` the value of Message-Authenticator begins. */
  readonly messageAuthenticatorAt: number | undefined
}

/**
 * Decodes one packet out of a datagram; octets beyond Length are padding and ignored (RFC 2865 section 3). No octet is copied.
 * @throws {RadiusError} RADIUS_MALFORMED: Length not in 20 to 4096 or beyond the datagram, an attribute that does not fit,
 *   or Message-Authenticator twice or not of 16 octets
 */
export function decodePacket(datagram: Buffer): Packet {
  if (datagram.length < MIN_PACKET_OCTETS) throw malformed(`${datagram.length} octets are less than a header`)
  const length = packetLength(datagram)
  if (length > datagram.length) throw malformed(`Length says ${length} octets, there are ${datagram.length}`)
  const octets = length === datagram.length ? datagram : datagram.subarray(0, length)

  const attributes: Attribute[] = []
  let messageAuthenticatorAt: number | undefined
  for (let at = MIN_PACKET_OCTETS; at < length; ) {
    const type = octets[at] as number
    const end = at + attributeLength(octets, at)
    const valueAt = at + ATTRIBUTE_HEADER_OCTETS
    if (type === MESSAGE_AUTHENTICATOR_TYPE) {
      if (messageAuthenticatorAt !== undefined) throw malformed('Message-Authenticator is there twice')
      if (end - valueAt !== MESSAGE_AUTHENTICATOR_OCTETS) throw malformed('Message-Authenticator is not of 16 octets')
      messageAuthenticatorAt = valueAt
    }
    attributes.push({ type, value: octets.subarray(valueAt, end) })
    at = end
  }
  return {
    code: octets[0] as number,
    identifier: octets[1] as number,
    authenticator: octets.subarray(4, MIN_PACKET_OCTETS),
    attributes,
    octets,
    messageAuthenticatorAt,
  }
}

/**
 * Length of the packet that begins `octets`, which are 4 at least.
 * @throws {RadiusError} RADIUS_MALFORMED: not in 20 to 4096
 */
export function packetLength(octets: Buffer): number {
  const length = octets.readUInt16BE(2)
  if (length < MIN_PACKET_OCTETS || length > MAX_PACKET_OCTETS) {
    throw malformed(`Length says ${length} octets, which is not in ${MIN_PACKET_OCTETS} to ${MAX_PACKET_OCTETS}`)
  }
  return length
}

function attributeLength(octets: Buffer, at: number): number {
  const length = octets[at + 1]
  if (length === undefined) throw malformed('The packet ends within an attribute header')
  if (length < ATTRIBUTE_HEADER_OCTETS || at + length > octets.length) {
    throw malformed(`Attribute ${octets[at]} says ${length} octets, ${octets.length - at} are left`)
  }
  return length
}

/**
 * Encodes a packet as it is given, attributes in their order: authenticators are the business of `request.ts` and `response.ts`.
 * @throws {RangeError} a value above 253 octets, a packet above 4096, an identifier, code or type above 255: a caller's bug
 */
export function encodePacket(header: Header, attributes: readonly Attribute[]): Buffer {
  let length = MIN_PACKET_OCTETS
  for (const { value } of attributes) length += ATTRIBUTE_HEADER_OCTETS + value.length
  if (length > MAX_PACKET_OCTETS) throw new RangeError(`A RADIUS packet of ${length} octets is above the limit of 4096`)

  const octets = Buffer.allocUnsafe(length)
  octets.writeUInt8(header.code, 0)
  octets.writeUInt8(header.identifier, 1)
  octets.writeUInt16BE(length, 2)
  if (header.authenticator.length !== AUTHENTICATOR_OCTETS) throw new RangeError('An authenticator has 16 octets')
  octets.set(header.authenticator, 4)
  let at = MIN_PACKET_OCTETS
  for (const { type, value } of attributes) {
    if (value.length > MAX_VALUE_OCTETS)
      throw new RangeError(`Attribute ${type} has ${value.length} octets, the limit is 253`)
    octets.writeUInt8(type, at)
    octets[at + 1] = ATTRIBUTE_HEADER_OCTETS + value.length
    octets.set(value, at + ATTRIBUTE_HEADER_OCTETS)
    at += ATTRIBUTE_HEADER_OCTETS + value.length
  }
  return octets
}

function malformed(message: string): RadiusError {
  return new RadiusError('RADIUS_MALFORMED', message)
}
