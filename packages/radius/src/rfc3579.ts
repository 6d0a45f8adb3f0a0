// RFC 3579, RADIUS support for EAP: EAP-Message (section 3.1) and Message-Authenticator (section 3.2).

import { timingSafeEqual } from 'node:crypto'
import type { Attribute } from './attribute.ts'
import { octets } from './attribute.ts'
import { RadiusError } from './errors.ts'
import { MESSAGE_AUTHENTICATOR_OCTETS, MESSAGE_AUTHENTICATOR_TYPE, type Packet } from './packet.ts'
import type { SharedSecret } from './secret.ts'

/** A piece of an EAP packet, 0 to 253 octets; one piece of 0 is EAP-Start (section 2.1). */
export const EapMessage = octets(79, 'EAP-Message', { min: 0 })

const MESSAGE_AUTHENTICATOR_LENGTHS = { min: MESSAGE_AUTHENTICATOR_OCTETS, max: MESSAGE_AUTHENTICATOR_OCTETS }

/** HMAC-MD5 over the packet; the encoders put it in by themselves. */
export const MessageAuthenticator = octets(
  MESSAGE_AUTHENTICATOR_TYPE,
  'Message-Authenticator',
  MESSAGE_AUTHENTICATOR_LENGTHS,
)

const PIECE_OCTETS = 253
const ZEROS = Buffer.alloc(MESSAGE_AUTHENTICATOR_OCTETS)

/** Message-Authenticator as it is before it is computed. */
export const blankMessageAuthenticator: Attribute = MessageAuthenticator.of(ZEROS)

/** An EAP packet as consecutive EAP-Message attributes, each but the last with 253 octets. An empty packet is EAP-Start. */
export function splitEapMessage(eap: Buffer): Attribute[] {
  if (eap.length <= PIECE_OCTETS) return [EapMessage.of(eap)]
  const pieces: Attribute[] = []
  for (let at = 0; at < eap.length; at += PIECE_OCTETS) {
    pieces.push(EapMessage.of(eap.subarray(at, at + PIECE_OCTETS)))
  }
  return pieces
}

/**
 * The EAP packet of a RADIUS packet: undefined without EAP-Message, empty for EAP-Start. One piece is returned as a view.
 * @throws {RadiusError} RADIUS_MALFORMED: another attribute stands between the pieces
 */
export function joinEapMessage(attributes: readonly Attribute[]): Buffer | undefined {
  const first = attributes.findIndex(isEapMessage)
  if (first < 0) return undefined
  let end = first + 1
  while (end < attributes.length && isEapMessage(attributes[end] as Attribute)) end++
  if (attributes.findIndex((attribute, at) => at > end && isEapMessage(attribute)) >= 0) {
    throw new RadiusError('RADIUS_MALFORMED', 'EAP-Message attributes are not consecutive')
  }
  const pieces = attributes.slice(first, end).map(({ value }) => value)
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
}

function isEapMessage({ type }: Attribute): boolean {
  return type === EapMessage.type
}

/**
 * Message-Authenticator of a packet: HMAC-MD5 under the shared secret over the packet with the attribute's value (at `at`) zero
 * and, in an answer, the authenticator of its request in place of its own.
 */
export function messageAuthenticator(
  packet: Buffer,
  at: number,
  secret: SharedSecret,
  requestAuthenticator?: Uint8Array,
): Buffer {
  const covered = Buffer.from(packet)
  if (requestAuthenticator) covered.set(requestAuthenticator, 4)
  covered.fill(0, at, at + MESSAGE_AUTHENTICATOR_OCTETS)
  return secret.hmacMd5(covered)
}

/** Whether the packet's Message-Authenticator is there and right; `requestAuthenticator` for an answer. */
export function hasValidMessageAuthenticator(
  { octets, messageAuthenticatorAt: at }: Packet,
  secret: SharedSecret,
  requestAuthenticator?: Uint8Array,
): boolean {
  if (at === undefined) return false
  const claimed = octets.subarray(at, at + MESSAGE_AUTHENTICATOR_OCTETS)
  return timingSafeEqual(claimed, messageAuthenticator(octets, at, secret, requestAuthenticator))
}
