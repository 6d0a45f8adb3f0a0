// Pairing tickets that an operator asks a gateway for, over its link: docs/protocol.md section 4.4, TicketRequest.

import {
  encode,
  parsePairingUri,
  Result,
  SERVER_DEADLINE_MS,
  TICKET_LIFETIME_MAX_S,
  TicketRequest,
  type TicketResponse,
} from '@opencpns/protocol'
import { GatewayUnavailable } from './gateways.ts'

const UNDER_WAY_MAX = 16
/** How far the clock of a gateway may be ahead. */
const SKEW_S = 60

/** What a ticket is to be like. */
export interface TicketWishes {
  /** What to call the device, 1 to 64 octets. */
  readonly name?: string | undefined
  /** 60 to 3,600; by default 600. */
  readonly lifetimeS?: number | undefined
}

/** A ticket. Its URI holds a secret: it is passed on, and kept nowhere. */
export interface MadeTicket {
  readonly uri: string
  readonly expiresAtS: number
  /** 16 octets */
  readonly ticketId: Uint8Array
}

interface UnderWay {
  readonly timer: NodeJS.Timeout
  resolve(ticket: MadeTicket): void
  reject(error: GatewayUnavailable): void
}

/** The requests for tickets on one link. */
export class TicketRequests {
  readonly #underWay = new Map<number, UnderWay>()
  readonly #gateway: string
  readonly #send: (body: Uint8Array) => void
  #lastId = 0

  /** @param gateway  its identity, as it proved it */
  constructor(gateway: string, send: (body: Uint8Array) => void) {
    this.#gateway = gateway
    this.#send = send
  }

  /** @throws {ProtocolError} wishes that cannot be told  @throws {GatewayUnavailable} GATEWAY_SILENT, GATEWAY_BUSY, GATEWAY_NOT_CONNECTED */
  async ask({ name, lifetimeS }: TicketWishes): Promise<MadeTicket> {
    if (this.#underWay.size >= UNDER_WAY_MAX) throw new GatewayUnavailable('GATEWAY_BUSY')
    this.#lastId = (this.#lastId + 1) >>> 0
    const id = this.#lastId
    const body = encode(TicketRequest, { id, ...(name !== undefined && { name }), ...(lifetimeS && { lifetimeS }) })
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#take(id)?.reject(new GatewayUnavailable('GATEWAY_SILENT')),
        SERVER_DEADLINE_MS,
      )
      this.#underWay.set(id, { timer, resolve, reject })
      this.#send(body)
    })
  }

  /** An answer came. One that nobody waits for any more is ignored. */
  answered(response: TicketResponse): void {
    const asker = this.#take(response.id)
    const ticket = asker && madeBy(this.#gateway, response)
    if (ticket) asker.resolve(ticket)
    else asker?.reject(new GatewayUnavailable('GATEWAY_BUSY'))
  }

  /** The link has ended. */
  end(): void {
    for (const id of [...this.#underWay.keys()]) this.#take(id)?.reject(new GatewayUnavailable('GATEWAY_NOT_CONNECTED'))
  }

  #take(id: number): UnderWay | undefined {
    const asker = this.#underWay.get(id)
    clearTimeout(asker?.timer)
    this.#underWay.delete(id)
    return asker
  }
}

/** Undefined for what is no ticket of this gateway: it is shown to people, who scan and open it. */
function madeBy(gateway: string, response: TicketResponse): MadeTicket | undefined {
  const { result, uri, expiresAtS, ticketId } = response
  if (result !== Result.success || uri === undefined || expiresAtS === undefined || ticketId === undefined) return
  if (expiresAtS > Date.now() / 1000 + TICKET_LIFETIME_MAX_S + SKEW_S) return
  try {
    const said = parsePairingUri(uri)
    const isSame = said.gateway === gateway && said.expiresAtS === expiresAtS
    if (!isSame || Buffer.compare(said.ticketId, ticketId) !== 0) return
  } catch {
    return
  }
  return { uri, expiresAtS, ticketId: Uint8Array.from(ticketId) }
}
