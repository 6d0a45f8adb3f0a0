// What an operator may ask of a gateway that has a link here.

import type { MadeTicket, TicketWishes } from './ticket-requests.ts'

export type GatewayUnavailableErrorCode =
  | 'GATEWAY_NOT_CONNECTED' // it has no link here now: see that it runs and reaches the server
  | 'GATEWAY_TOO_OLD' // it has a link, but does not speak version 2 of it: update the gateway
  | 'GATEWAY_SILENT' // it gave no answer in 4 s
  | 'GATEWAY_BUSY' // it could not do it now, or is asked too often at once

const messages: Readonly<Record<GatewayUnavailableErrorCode, string>> = {
  GATEWAY_NOT_CONNECTED: 'the gateway is not connected: see that it runs and reaches this server',
  GATEWAY_TOO_OLD: 'the gateway is too old to be asked: update it',
  GATEWAY_SILENT: 'the gateway gave no answer: try again',
  GATEWAY_BUSY: 'the gateway cannot do it now: try again, and look into its log',
}

/** A gateway could not do what an operator asked for. */
export class GatewayUnavailable extends Error {
  override readonly name = 'GatewayUnavailable'
  readonly code: GatewayUnavailableErrorCode

  constructor(code: GatewayUnavailableErrorCode) {
    super(messages[code])
    this.code = code
  }
}

/** The gateways that have a link; `count` and `connectedSince` speak of this process alone. */
export interface LinkedGateways {
  /** Gateways that have a link. */
  readonly count: number
  /** Since when a gateway has a link, in ms since the epoch; undefined when it has none. */
  connectedSince(gateway: string): number | undefined
  /** Has a gateway make a pairing ticket. @throws {GatewayUnavailable} */
  makeTicket(gateway: string, wishes: TicketWishes): Promise<MadeTicket>
  /** Tells a gateway to rotate the key of a PNE at the next chance. @throws {GatewayUnavailable} */
  askToRotate(gateway: string, pneId: string): Promise<void>
}
