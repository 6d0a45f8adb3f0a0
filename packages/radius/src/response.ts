// Answers, made by a server and checked by a client: Access-Accept, -Reject and -Challenge. RFC 2865 section 4, RFC 3579 section 3.2.
// Message-Authenticator is the first attribute of every answer, and demanded in every answer to an Access-Request (CVE-2024-3596).

import { timingSafeEqual } from 'node:crypto'
import type { Attribute } from './attribute.ts'
import { RadiusError } from './errors.ts'
import { Code, encodePacket, type Packet } from './packet.ts'
import { FIRST_VALUE_AT, type SentRequest } from './request.ts'
import { mskAttributes } from './rfc2548.ts'
import { ProxyState } from './rfc2865.ts'
import { blankMessageAuthenticator, hasValidMessageAuthenticator, messageAuthenticator } from './rfc3579.ts'
import type { SharedSecret } from './secret.ts'

export type ResponseCode = typeof Code.AccessAccept | typeof Code.AccessReject | typeof Code.AccessChallenge

/** What a server answers; authenticators and Proxy-State are added. */
export interface Response {
  readonly code: ResponseCode
  readonly attributes: readonly Attribute[]
  /** 64 octets, with an Access-Accept: sent encrypted as MS-MPPE-Recv-Key and MS-MPPE-Send-Key. */
  readonly msk?: Uint8Array
}

/**
 * The answer to `request`: Message-Authenticator first, then the attributes, the MSK, and the request's Proxy-State in their order.
 * @throws {RangeError} above 4096 octets, or an MSK that is not of 64
 */
export function encodeResponse(response: Response, request: Packet, secret: SharedSecret): Buffer {
  const { identifier, authenticator } = request
  const attributes = [blankMessageAuthenticator, ...response.attributes]
  if (response.msk) attributes.push(...mskAttributes(response.msk, authenticator, secret))
  for (const attribute of request.attributes) if (attribute.type === ProxyState.type) attributes.push(attribute)

  // Both sums are over the packet with the Request Authenticator in place; the Response Authenticator covers the other.
  const octets = encodePacket({ code: response.code, identifier, authenticator }, attributes)
  octets.set(messageAuthenticator(octets, FIRST_VALUE_AT, secret), FIRST_VALUE_AT)
  octets.set(secret.md5After(octets), 4)
  return octets
}

/**
 * Checks that `packet` answers `request` and comes from who knows the secret.
 * @throws {RadiusError} RADIUS_MALFORMED: not an answer to this request; RADIUS_BAD_AUTHENTICATOR: forged, or another secret
 */
export function checkResponse(packet: Packet, request: SentRequest, secret: SharedSecret): void {
  if (packet.identifier !== request.identifier || !isResponseCode(packet.code, request)) {
    throw new RadiusError('RADIUS_MALFORMED', `Code ${packet.code} does not answer a request of code ${request.code}`)
  }
  const expected = responseAuthenticator(packet.octets, request.authenticator, secret)
  if (!timingSafeEqual(expected, packet.authenticator)) {
    throw new RadiusError(
      'RADIUS_BAD_AUTHENTICATOR',
      'The Response Authenticator is wrong: is the shared secret the same?',
    )
  }
  const optional = request.code === Code.StatusServer && packet.messageAuthenticatorAt === undefined
  if (!optional && !hasValidMessageAuthenticator(packet, secret, request.authenticator)) {
    throw new RadiusError(
      'RADIUS_BAD_AUTHENTICATOR',
      'Message-Authenticator is missing or wrong: update the RADIUS server',
    )
  }
}

/** Response Authenticator: MD5(Code || Identifier || Length || Request Authenticator || Attributes || Secret). RFC 2865 section 3. */
function responseAuthenticator(octets: Buffer, requestAuthenticator: Uint8Array, secret: SharedSecret): Buffer {
  const covered = Buffer.from(octets)
  covered.set(requestAuthenticator, 4)
  return secret.md5After(covered)
}

function isResponseCode(code: number, request: SentRequest): code is ResponseCode {
  if (code === Code.AccessAccept) return true
  return request.code === Code.AccessRequest && (code === Code.AccessReject || code === Code.AccessChallenge)
}
