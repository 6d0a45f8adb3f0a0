// What goes on, for an operator who watches: authentications with their steps, rates, times of steps, devices and gateways
// that come and go, changes. Counting happens as things happen; what is shown comes from the event log, once it is there.
//
// What happens here comes in by `decided`, `reported`, `written` and `audited`; what happened at other replicas by `receive`.
import type { AuthenticationReport, AuthenticationsReport } from '@opencpns/protocol'
import type { EventLog, WrittenEvent } from '../events.ts'
import type { EventRow, Store } from '../store/contract.ts'
import type { AuditRow } from '../store/contract-operator.ts'
import { Broadcast, type Watcher } from './broadcast.ts'
import { Devices } from './devices.ts'
import { Exchange } from './exchange.ts'
import type { GatewayReports } from './gateway-reports.ts'
import type { DeviceChange, LiveMessage, Ticket } from './messages.ts'
import { type Kind, kinds, Rates, type Second } from './rates.ts'
import { Refusals } from './refusals.ts'
import { type StepTime, StepTimes } from './step-times.ts'
import { Tickets } from './tickets.ts'
import { Allowances, countsOf, eventOf, intervalsOf, type ReportedCounts } from './told.ts'

export interface LiveOptions {
  readonly store: Pick<Store, 'findPne'>
  /** ms since the epoch */
  readonly now?: (() => number) | undefined
  /** Hears of what is counted of each report of a gateway. */
  readonly onReported?: ((counted: ReportedCounts) => void) | undefined
}

export class Live implements GatewayReports {
  readonly tickets: Tickets
  readonly devices: Devices
  readonly refusals = new Refusals()
  readonly #now: () => number
  readonly #broadcast: Broadcast
  readonly #exchange: Exchange
  readonly #allowances = new Allowances()
  readonly #stepTimes = new StepTimes()
  /** Of all replicas, and of this one alone. */
  readonly #rates = new Rates()
  readonly #ownRates = new Rates()
  readonly #onReported: LiveOptions['onReported']
  #events: EventLog | undefined

  constructor({ store, now = Date.now, onReported }: LiveOptions) {
    this.#now = now
    this.#onReported = onReported
    this.#broadcast = new Broadcast(now)
    this.tickets = new Tickets(now)
    this.devices = new Devices(store, now)
    this.#exchange = new Exchange({
      now,
      counted: (at) => {
        return { kind: 'second', at, counts: this.#ownRates.countsOf(at), steps: this.#stepTimes.takeDelta() }
      },
    })
  }

  /** Where what gateways tell is recorded; the log itself tells by {@link written} what is in it. */
  recordInto(events: EventLog): void {
    this.#events = events
  }

  // What happens here

  /** The server has decided. @param steps  4 and 5 as far as they were done, each with its microseconds after the arrival of step 3 */
  decided(result: 'accepted' | 'refused', steps: readonly number[]): void {
    const atS = this.#second()
    this.#count(atS, result === 'accepted' ? 'remoteAccepted' : 'remoteRefused')
    for (let at = 0, before = 0; at < steps.length; at += 2) {
      const after = steps[at + 1] ?? 0
      this.#stepTimes.record(steps[at] ?? 1, after - before, atS)
      before = after
    }
  }

  /** A gateway tells of authentications at its door. */
  reported(gateway: string, report: AuthenticationsReport, told: readonly AuthenticationReport[]): void {
    const [now, atS] = [this.#now(), this.#second()]
    const counted = this.#allowances.count(gateway, report, now)
    this.#onReported?.(counted)
    for (const [kind, count] of countsOf(counted, told)) this.#count(atS, kind, count)
    const allowed = this.#allowances.take(gateway, told.length, now)
    for (const one of told.slice(0, allowed)) {
      for (const [step, us] of intervalsOf(one)) this.#stepTimes.record(step, us, atS)
      void this.#record(gateway, one)
    }
  }

  /** These are in the event log now. */
  written(rows: readonly WrittenEvent[]): void {
    for (const row of rows) {
      if (row.type === 'authentication' || row.type === 'report') this.#authentication(row)
      else if (row.type !== 'admin') this.#tell(messageOf(row))
    }
  }

  /** An operator asked for a change, and this came of it. */
  audited({ id, at, actor, role, action, target, outcome }: AuditRow): void {
    this.#tell({ kind: 'change', change: { type: 'audit', id, at, actor, role, action, target, outcome } })
  }

  /** An operator had a ticket made. */
  ticketMade(ticket: Ticket): void {
    this.#tell({ kind: 'ticket', ticket })
  }

  // What can be seen

  /** ms since the epoch */
  now(): number {
    return this.#now()
  }

  /** From now on. Gives what ends it. */
  watch(watcher: Watcher): () => void {
    return this.#broadcast.watch(watcher)
  }

  /** The last whole seconds, oldest first. */
  seconds(count: number): Second[] {
    return this.#rates.last(count, this.#second())
  }

  second(atS: number): Second {
    return this.#rates.second(atS)
  }

  stepTimes(): StepTime[] {
    return this.#stepTimes.summary(this.#second())
  }

  // Other replicas

  /** @param send  brings messages to all other replicas; must not throw. Gives what ends it. */
  join(send: (messages: readonly LiveMessage[]) => void): () => void {
    return this.#exchange.join(send)
  }

  /** What another replica sent. */
  receive(message: LiveMessage): void {
    if (message.kind === 'authentication') this.#show(message.row)
    else if (message.kind === 'second') this.#add(message)
    else this.#note(message)
  }

  /** The word of a gateway about a PNE counts when it is its own. */
  async #record(gateway: string, report: AuthenticationReport): Promise<void> {
    const device = await this.devices.find(report.pneId).catch(() => undefined)
    this.#events?.record(eventOf(gateway, report, device))
  }

  #authentication(row: EventRow): void {
    this.#exchange.authentication(row)
    this.#show(row)
  }

  #show(row: EventRow): void {
    if (row.result !== 'accepted') this.refusals.add(row)
    this.#broadcast.authentication(row)
  }

  #tell(message: LiveMessage): void {
    this.#exchange.other(message)
    this.#note(message)
  }

  #note(message: LiveMessage): void {
    if (message.kind === 'link') {
      this.#broadcast.link(message.link)
    } else if (message.kind === 'registration') {
      this.#broadcast.registration(message.registration)
    } else if (message.kind === 'ticket') {
      this.tickets.add(message.ticket)
    } else if (message.kind === 'change') {
      const { change } = message
      if (change.type !== 'audit') this.#noteDevice(change)
      this.#broadcast.change(change)
    }
  }

  #noteDevice(change: DeviceChange): void {
    this.tickets.noteChange(change)
    if (change.pne) this.devices.forget(change.pne)
  }

  #add({ at, counts, steps }: Extract<LiveMessage, { kind: 'second' }>): void {
    for (const [place, kind] of kinds.entries()) this.#rates.count(at, kind, counts[place] ?? 0)
    this.#stepTimes.merge(steps, this.#second())
  }

  #count(atS: number, kind: Kind, by = 1): void {
    if (by === 0) return
    this.#rates.count(atS, kind, by)
    this.#ownRates.count(atS, kind, by)
  }

  #second(): number {
    return Math.floor(this.#now() / 1000)
  }
}

function messageOf({ id, at, type, result, reason, pneId, gateway, user, ticket }: WrittenEvent): LiveMessage {
  if (type === 'link') return { kind: 'link', link: { identity: gateway ?? '', connected: result === 'connected', at } }
  if (type === 'registration') {
    const kind = result === 'began' ? 'began' : 'ended'
    return { kind: 'registration', registration: { pne: pneId ?? '', gateway: gateway ?? '', kind } }
  }
  const of = { id, at, result, reason, pne: pneId, gateway, user, ticket }
  return { kind: 'change', change: { type: type as DeviceChange['type'], ...of } }
}
