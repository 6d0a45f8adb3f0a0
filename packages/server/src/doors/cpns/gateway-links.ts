// The links of this process by their gateway, which may have several: one that comes back, and one that knows this server by two
// addresses. Whatever is asked of a gateway goes by the newest.

import { GatewayUnavailable, type LinkedGateways } from './gateways.ts'
import type { GatewayLink } from './link.ts'
import type { MadeTicket, TicketWishes } from './ticket-requests.ts'

/** A gateway keeps one or two to each server. One that opens many more would take the room of all others. */
const LINKS_MAX = 64

export class GatewayLinks implements LinkedGateways {
  readonly #of = new Map<string, GatewayLink[]>()

  get count(): number {
    return this.#of.size
  }

  connectedSince(gateway: string): number | undefined {
    return this.#newest(gateway)?.since
  }

  async makeTicket(gateway: string, wishes: TicketWishes): Promise<MadeTicket> {
    return this.#linkOf(gateway).makeTicket(wishes)
  }

  async askToRotate(gateway: string, pneId: string): Promise<void> {
    this.#linkOf(gateway).askToRotate(pneId)
  }

  /** Beyond 64 of one gateway the oldest is closed. */
  add(link: GatewayLink): void {
    const links = [...(this.#of.get(link.gateway) ?? []), link]
    this.#of.set(link.gateway, links)
    if (links.length > LINKS_MAX) links[0]?.close()
  }

  /** False when it was the last one of its gateway. */
  remove(link: GatewayLink): boolean {
    const left = this.#of.get(link.gateway)?.filter((one) => one !== link) ?? []
    if (left.length > 0) this.#of.set(link.gateway, left)
    else this.#of.delete(link.gateway)
    return left.length > 0
  }

  #newest(gateway: string): GatewayLink | undefined {
    return this.#of.get(gateway)?.at(-1)
  }

  /** @throws {GatewayUnavailable} GATEWAY_NOT_CONNECTED */
  #linkOf(gateway: string): GatewayLink {
    const link = this.#newest(gateway)
    if (!link) throw new GatewayUnavailable('GATEWAY_NOT_CONNECTED')
    return link
  }
}
