// Requests, made by a client and checked by a server: Access-Request (RFC 2865 section 4.1, RFC 3579) and Status-Server (RFC 5997).
// Every one bears Message-Authenticator, and bears it first: against forged answers (CVE-2024-3596) both ends insist on it.

import { randomBytes } from 'node:crypto'
import type { Attribute } from './attribute.ts'
import { AUTHENTICATOR_OCTETS, Code, encodePacket, MIN_PACKET_OCTETS } from './packet.ts'
import { blankMessageAuthenticator, messageAuthenticator } from './rfc3579.ts'
import type { SharedSecret } from './secret.ts'

export type RequestCode = typeof Code.AccessRequest | typeof Code.StatusServer

/** What a client keeps of a request to check its answer. */
export interface SentRequest {
  readonly code: RequestCode
  readonly identifier: number
  /** 16 octets. */
  readonly authenticator: Buffer
  readonly octets: Buffer
}

/** Where the value of a Message-Authenticator begins that is the first attribute. */
export const FIRST_VALUE_AT = MIN_PACKET_OCTETS + 2

/** Whether a packet with this code asks for something that is served here. */
export function isRequestCode(code: number): code is RequestCode {
  return code === Code.AccessRequest || code === Code.StatusServer
}

/**
 * A request with a fresh random Request Authenticator (RFC 2865 section 3) and Message-Authenticator before `attributes`.
 * @throws {RangeError} above 4096 octets
 */
export function encodeRequest(
  code: RequestCode,
  identifier: number,
  attributes: readonly Attribute[],
  secret: SharedSecret,
): SentRequest {
  const authenticator = randomBytes(AUTHENTICATOR_OCTETS)
  const octets = encodePacket({ code, identifier, authenticator }, [blankMessageAuthenticator, ...attributes])
  octets.set(messageAuthenticator(octets, FIRST_VALUE_AT, secret), FIRST_VALUE_AT)
  return { code, identifier, authenticator, octets }
}
