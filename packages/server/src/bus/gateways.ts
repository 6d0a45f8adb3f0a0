// What an operator asks of a gateway, wherever its link is: here, or else at another server, which is asked to ask it.
import type { LinkedGateways } from '../doors/cpns/gateways.ts'
import { GatewayUnavailable, type GatewayUnavailableErrorCode } from '../doors/cpns/gateways.ts'
import type { MadeTicket, TicketWishes } from '../doors/cpns/ticket-requests.ts'
import type { Inquiries } from './inquiries.ts'

/** More than a gateway may take for its answer. */
const ANSWER_MS = 5000

type Question =
  | { readonly what: 'ticket'; readonly gateway: string; readonly wishes: TicketWishes }
  | { readonly what: 'rotate'; readonly gateway: string; readonly pneId: string }

/** A ticket as JSON, nothing for a wish that was passed on, or why there is none. */
type Answer = { readonly ticket?: TicketDocument } | { readonly refused: GatewayUnavailableErrorCode }

interface TicketDocument {
  readonly uri: string
  readonly expiresAtS: number
  readonly ticketId: string
}

export class Gateways implements LinkedGateways {
  readonly #here: LinkedGateways
  readonly #inquiries: Inquiries

  /** @param here  those that have a link with this process */
  constructor(here: LinkedGateways, inquiries: Inquiries) {
    this.#here = here
    this.#inquiries = inquiries
    inquiries.answerWith((question) => this.#answer(question as Question))
  }

  /** Here alone; for all servers the store knows it (links.ts). */
  get count(): number {
    return this.#here.count
  }

  /** As {@link count}. */
  connectedSince(gateway: string): number | undefined {
    return this.#here.connectedSince(gateway)
  }

  async makeTicket(gateway: string, wishes: TicketWishes): Promise<MadeTicket> {
    if (this.#isHere(gateway)) return this.#here.makeTicket(gateway, wishes)
    const { ticket } = await this.#ask({ what: 'ticket', gateway, wishes })
    if (!ticket) throw new GatewayUnavailable('GATEWAY_SILENT')
    return { ...ticket, ticketId: Buffer.from(ticket.ticketId, 'base64url') }
  }

  async askToRotate(gateway: string, pneId: string): Promise<void> {
    if (this.#isHere(gateway)) return this.#here.askToRotate(gateway, pneId)
    await this.#ask({ what: 'rotate', gateway, pneId })
  }

  #isHere(gateway: string): boolean {
    return this.#here.connectedSince(gateway) !== undefined
  }

  async #ask(question: Question): Promise<{ ticket?: TicketDocument }> {
    const answer = (await this.#inquiries.ask(question, ANSWER_MS)) as Answer | undefined
    if (answer === undefined) throw new GatewayUnavailable('GATEWAY_NOT_CONNECTED')
    if ('refused' in answer) throw new GatewayUnavailable(answer.refused)
    return answer
  }

  /** Only whoever has the link answers. */
  #answer(question: Question): Promise<Answer> | undefined {
    if (!this.#isHere(question.gateway)) return undefined
    return this.#done(question).catch((error: unknown) => {
      return { refused: error instanceof GatewayUnavailable ? error.code : 'GATEWAY_BUSY' }
    })
  }

  async #done(question: Question): Promise<Answer> {
    if (question.what === 'rotate') {
      await this.#here.askToRotate(question.gateway, question.pneId)
      return {}
    }
    const { ticketId, ...ticket } = await this.#here.makeTicket(question.gateway, question.wishes)
    return { ticket: { ...ticket, ticketId: Buffer.from(ticketId).toString('base64url') } }
  }
}

/** Of a process that has no door for gateways. */
export const noGateways: LinkedGateways = {
  count: 0,
  connectedSince: () => undefined,
  makeTicket: () => Promise.reject(new GatewayUnavailable('GATEWAY_NOT_CONNECTED')),
  askToRotate: () => Promise.reject(new GatewayUnavailable('GATEWAY_NOT_CONNECTED')),
}
