// Pairing tickets that operators had made, as long as they may be asked about: whether a device came with one, and which.
// Kept in memory, without secrets.
import type { DeviceChange, Ticket } from './messages.ts'

const REMEMBERED = 1000
/** How long after its end a ticket is still known. */
const LINGER_MS = 3_600_000

export interface TicketState {
  readonly ticket: string
  readonly state: 'open' | 'used' | 'expired'
  readonly pne: string | null
}

export class Tickets {
  readonly #tickets = new Map<string, Ticket & { pne: string | null }>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  add(ticket: Ticket): void {
    if (this.#tickets.has(ticket.ticket)) return
    this.#forget()
    this.#tickets.set(ticket.ticket, { ...ticket, pne: null })
  }

  /** A device came with a ticket: when that is confirmed, it is used. */
  noteChange({ type, result, ticket, gateway, pne }: DeviceChange): void {
    const known = ticket === null ? undefined : this.#tickets.get(ticket)
    if (type === 'confirmation' && result === 'accepted' && known?.gateway === gateway) known.pne = pne
  }

  /** Undefined when there is none of this gateway, or no longer. */
  find(gateway: string, ticket: string): TicketState | undefined {
    const known = this.#tickets.get(ticket)
    if (known?.gateway !== gateway) return undefined
    const { pne, expires } = known
    return { ticket, pne, state: pne !== null ? 'used' : expires <= this.#now() ? 'expired' : 'open' }
  }

  #forget(): void {
    for (const [id, { expires }] of this.#tickets) {
      if (this.#tickets.size < REMEMBERED && expires + LINGER_MS > this.#now()) break
      this.#tickets.delete(id)
    }
  }
}
