// What a client's request came to, checked and opened.

import type { Attribute } from '../attribute.ts'
import type { Packet } from '../packet.ts'
import type { SentRequest } from '../request.ts'
import type { ResponseCode } from '../response.ts'
import { mskOf } from '../rfc2548.ts'
import type { SharedSecret } from '../secret.ts'

/** A verified answer. The MSK is hidden from inspect and JSON. */
export class Answer {
  readonly code: ResponseCode
  readonly attributes: readonly Attribute[]
  readonly #msk: Buffer | undefined

  /** @throws {RadiusError} RADIUS_MALFORMED: an MS-MPPE key that does not decrypt */
  constructor(packet: Packet, request: SentRequest, secret: SharedSecret) {
    this.code = packet.code as ResponseCode
    this.attributes = packet.attributes
    this.#msk = mskOf(packet.attributes, request.authenticator, secret)
  }

  /** MS-MPPE-Recv-Key || MS-MPPE-Send-Key, 64 octets, where both are there with 32. */
  get msk(): Buffer | undefined {
    return this.#msk
  }
}
