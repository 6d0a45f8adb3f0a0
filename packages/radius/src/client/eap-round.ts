// One round of EAP through RADIUS, as a pass-through authenticator makes it: RFC 3579 sections 2 and 3, RFC 3580.

import type { Attribute } from '../attribute.ts'
import { Code } from '../packet.ts'
import type { ResponseCode } from '../response.ts'
import {
  CalledStationId,
  CallingStationId,
  FramedMtu,
  NasIdentifier,
  NasPortType,
  PortType,
  SessionTimeout,
  State,
  UserName,
} from '../rfc2865.ts'
import { joinEapMessage, splitEapMessage } from '../rfc3579.ts'
import type { Answer } from './answer.ts'
import type { RadiusClient, RequestOptions } from './client.ts'

export interface EapRound {
  /** The peer's identity, as its EAP-Response/Identity has it. */
  readonly userName: string
  /** An EAP-Response of the peer. */
  readonly eapMessage: Uint8Array
  /** State of the Access-Challenge which this answers; none in the first round. */
  readonly state?: Buffer | undefined
  /** Who the authenticator is. */
  readonly nasIdentifier: string
  readonly calledStationId?: string
  readonly callingStationId?: string
  /** A value of `PortType`. Default Virtual. */
  readonly nasPortType?: number
  /** Octets of the longest EAP packet that the link carries. Default 1,400. */
  readonly mtu?: number
  /** Further attributes. */
  readonly attributes?: readonly Attribute[]
}

/** What the AAA server says to a round. The MSK is hidden from inspect and JSON. */
export class EapAnswer {
  /** Access-Challenge: the conversation goes on. */
  readonly code: ResponseCode
  /** What goes to the peer. Undefined where the server gave none; the code counts then. */
  readonly eapMessage: Buffer | undefined
  /** For the next round. */
  readonly state: Buffer | undefined
  /** Seconds: of the session after Access-Accept, of the wait for the peer after Access-Challenge. */
  readonly sessionTimeoutS: number | undefined
  readonly #msk: Buffer | undefined

  constructor({ code, attributes, msk }: Answer) {
    this.code = code
    this.eapMessage = joinEapMessage(attributes)
    this.state = State.find(attributes)
    this.sessionTimeoutS = SessionTimeout.find(attributes)
    this.#msk = code === Code.AccessAccept ? msk : undefined
  }

  /** After Access-Accept, 64 octets: MS-MPPE-Recv-Key || MS-MPPE-Send-Key. */
  get msk(): Buffer | undefined {
    return this.#msk
  }
}

/**
 * Sends an EAP-Response to the AAA server and resolves with what it answers.
 * @throws {RadiusError} as `RadiusClient.request` does; RADIUS_MALFORMED: State or Session-Timeout does not fit
 */
export async function eapRound(client: RadiusClient, round: EapRound, options?: RequestOptions): Promise<EapAnswer> {
  const attributes = [
    UserName.of(round.userName),
    NasIdentifier.of(round.nasIdentifier),
    NasPortType.of(round.nasPortType ?? PortType.Virtual),
    FramedMtu.of(round.mtu ?? 1400),
  ]
  if (round.calledStationId) attributes.push(CalledStationId.of(round.calledStationId))
  if (round.callingStationId) attributes.push(CallingStationId.of(round.callingStationId))
  if (round.attributes) attributes.push(...round.attributes)
  attributes.push(...splitEapMessage(Buffer.from(round.eapMessage)))
  if (round.state) attributes.push(State.of(round.state))
  return new EapAnswer(await client.request(attributes, options))
}
