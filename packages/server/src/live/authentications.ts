// Authentications out of the event log: each put together from its lines, with the name of the PNE.
import type { EventLog } from '../events.ts'
import type { EventFilter, EventRow, Store } from '../store/contract.ts'
import type { Devices } from './devices.ts'
import { assemble, isRefused, type Known } from './parts.ts'
import { type AuthenticationView, pneOf, view } from './view.ts'

/** Lines of the log that may be between the two parts of an authentication. */
const PARTS_APART = 10_000

export interface AuthenticationFilter extends Pick<EventFilter, 'limit' | 'before' | 'case' | 'pneId' | 'gateway'> {
  readonly result?: 'accepted' | 'refused' | undefined
}

interface AuthenticationsOptions {
  readonly store: Pick<Store, 'findEvent' | 'listEvents' | 'eventsOfSessions'>
  readonly events: Pick<EventLog, 'flush'>
  readonly devices: Devices
}

/** Each method may reject with {@link StoreError}. */
export class Authentications {
  readonly #store: AuthenticationsOptions['store']
  readonly #events: AuthenticationsOptions['events']
  readonly #devices: Devices

  constructor({ store, events, devices }: AuthenticationsOptions) {
    this.#store = store
    this.#events = events
    this.#devices = devices
  }

  /** Newest first, with what was recorded a moment ago. */
  async list(filter: AuthenticationFilter): Promise<AuthenticationView[]> {
    await this.#events.flush()
    return this.show(filter.result === 'refused' ? await this.#refused(filter) : await this.#any(filter))
  }

  /** @param id  of any line of it */
  async find(id: number): Promise<AuthenticationView | undefined> {
    await this.#events.flush()
    const row = await this.#store.findEvent(id)
    if (row === undefined || !isPart(row)) return undefined
    const [shown] = await this.show(await this.#complete([row]))
    return shown
  }

  /** Those of which lines came after line `id`, the newest `max` lines, in their order. */
  async since(id: number, max: number): Promise<{ line: number; known: Known }[]> {
    await this.#events.flush()
    const filter = { above: id, limit: max }
    const [authentications, reports] = await Promise.all([
      this.#store.listEvents({ ...filter, type: 'authentication' }),
      this.#store.listEvents({ ...filter, type: 'report' }),
    ])
    const rows = [...authentications, ...reports].sort((a, b) => a.id - b.id).slice(-max)
    const known = await this.#complete(rows)
    return rows.flatMap((row) => {
      const of = known.find((one) => isOf(one, row))
      return of ? [{ line: row.id, known: of }] : []
    })
  }

  /** With the names of the PNEs. */
  show(all: readonly Known[]): Promise<AuthenticationView[]> {
    return Promise.all(all.map(async (known) => view(known, (await this.#devices.find(pneOf(known)))?.name ?? null)))
  }

  /** Where a gateway refused what the server had accepted, the first line does not tell: those are left out. */
  async #any({ result, limit, before, ...filter }: AuthenticationFilter): Promise<Known[]> {
    for (let below = before; ; ) {
      const rows = await this.#store.listEvents({ ...filter, result, type: 'authentication', limit, before: below })
      const known = await this.#complete(rows)
      const wanted = known.filter((one) => result === undefined || !isRefused(one))
      if (wanted.length > 0 || rows.length < limit) return wanted
      below = rows.at(-1)?.id
    }
  }

  /** Refused by the server, or told to be by the gateway. */
  async #refused({ limit, before, ...filter }: AuthenticationFilter): Promise<Known[]> {
    const [first, second] = await Promise.all([
      this.#store.listEvents({ ...filter, type: 'authentication', limit, before }),
      this.#store.listEvents({
        ...filter,
        pneId: undefined,
        type: 'report',
        limit,
        before: before && before + PARTS_APART,
      }),
    ])
    const known = await this.#complete([...first, ...second])
    const wanted = known.filter(
      (one) => one.id < (before ?? Number.POSITIVE_INFINITY) && (!filter.pneId || pneOf(one) === filter.pneId),
    )
    return wanted.sort((a, b) => b.id - a.id).slice(0, limit)
  }

  /** Puts the lines together with all others of the same authentications; in the order of the lines. */
  async #complete(rows: readonly EventRow[]): Promise<Known[]> {
    const sessions = [...new Set(rows.flatMap(({ session }) => session ?? []))]
    const others = sessions.length === 0 ? [] : await this.#store.eventsOfSessions(sessions)
    const known = assemble([...others.filter(isPart), ...rows.filter(({ session }) => session === null)])
    const order = rows.map((row) => known.find((one) => isOf(one, row)))
    return [...new Set(order.filter((one) => one !== undefined))]
  }
}

function isPart({ type }: EventRow): boolean {
  return type === 'authentication' || type === 'report'
}

function isOf({ id, gateway, session }: Known, row: EventRow): boolean {
  return session === null ? id === row.id : session === row.session && gateway === row.gateway
}
