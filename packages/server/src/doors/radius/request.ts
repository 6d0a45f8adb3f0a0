// An Access-Request as the door reads it, and the answers that it gives. RFC 3579 sections 2 and 3.

import { failure } from '@opencpns/eap'
import {
  type Attribute,
  CallingStationId,
  Code,
  joinEapMessage,
  NasIdentifier,
  type Packet,
  type Response,
  State,
  splitEapMessage,
  UserName,
} from '@opencpns/radius'

const SHOWN_MAX = 64

export interface AccessRequest {
  /** Identity of the gateway, which the shared secret or the certificate proved. */
  readonly gateway: string
  /** What the PNE, or the access point for it, calls itself; nothing is proved. */
  readonly userName: string
  /** An EAP packet; empty for EAP-Start; undefined where there is none. */
  readonly eap: Buffer | undefined
  readonly state: Buffer | undefined
  readonly attributes: readonly Attribute[]
}

/** @throws {RadiusError} RADIUS_MALFORMED: EAP-Message in pieces that do not follow each other */
export function readRequest({ attributes }: Packet, gateway: string): AccessRequest {
  return {
    gateway,
    userName: octetsOf(attributes, UserName.type)?.toString() ?? '',
    eap: joinEapMessage(attributes),
    state: octetsOf(attributes, State.type),
    attributes,
  }
}

/** Which access point and which device it was, for the log: what they say themselves, made harmless. */
export function stationFacts({ attributes }: AccessRequest): { nas?: string; station?: string } {
  const nas = shown(octetsOf(attributes, NasIdentifier.type))
  const station = shown(octetsOf(attributes, CallingStationId.type))
  return { ...(nas !== undefined && { nas }), ...(station !== undefined && { station }) }
}

/** Access-Challenge: the device's turn. */
export function challenge(eap: Buffer, state?: Buffer): Response {
  const attributes = splitEapMessage(eap)
  if (state !== undefined) attributes.push(State.of(state))
  return { code: Code.AccessChallenge, attributes }
}

/** Access-Reject, the same for every reason, with EAP-Failure in answer to EAP. */
export function reject({ eap }: Pick<AccessRequest, 'eap'>): Response {
  const attributes = eap === undefined ? [] : splitEapMessage(failure(eap[1] ?? 0))
  return { code: Code.AccessReject, attributes }
}

function octetsOf(attributes: readonly Attribute[], type: number): Buffer | undefined {
  return attributes.find((attribute) => attribute.type === type)?.value
}

/** Without control and format characters, which could make a line of a log say something else. */
function shown(value: Buffer | undefined): string | undefined {
  return value
    ?.toString()
    .slice(0, SHOWN_MAX)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}
