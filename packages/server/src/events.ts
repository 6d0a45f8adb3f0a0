// The event log: who was authenticated, assigned, revoked, connected, and what was refused and why. Recording only puts
// an object into a bounded buffer; a transaction every 200 ms at most writes them. A crash may lose the last 200 ms.

import type { Logger } from '@opencpns/io'
import type { EventFilter, EventRow, Store } from './store/contract.ts'

export type { EventRow } from './store/contract.ts'

const FLUSH_AFTER_MS = 200
const BUFFER_MAX = 20_000
const KEEP = 200_000
const RETRY_AFTER_MS = 1000

/** In a transaction, of events that say nothing unusual: steps cost as much as all the rest, and nobody looks at thousands a second. */
const STEPS_KEPT = 100

/** Events in one transaction: it holds up the event loop for some 3 microseconds each. */
const BATCH = 2000

export const eventTypes = [
  'authentication',
  'report', // what a gateway adds to an authentication that the server decided
  'assignment',
  'confirmation',
  'registration',
  'rotation',
  'revocation',
  'link',
  'admin',
] as const
export type EventType = (typeof eventTypes)[number]

/**
 * Something that happened. `result` and `reason` are words of the program (`accepted`, `refused`; `UNKNOWN_PNE`), never
 * of a peer; `gateway` is an authenticated identity. No field may hold a secret.
 */
export interface NewEvent {
  type: EventType
  result: string
  /** Why it was refused. */
  reason?: string | undefined
  pneId?: string | undefined
  gateway?: string | undefined
  user?: string | undefined
  case?: 'local' | 'remote' | undefined
  /** How long it took, in ms. */
  ms?: number | undefined
  /** base64url of 16 octets, as the gateway named it. */
  session?: string | undefined
  /** Steps of the flow that were reached, each with the microseconds after the first of them. */
  steps?: readonly number[] | undefined
  facts?: object | undefined
  /** Id of the pairing ticket, in base64url: for those who listen, not for the log. */
  ticket?: string | undefined
}

interface Recorded {
  at: number
  event: NewEvent
}

interface EventLogOptions {
  readonly logger?: Logger
  /** ms since the epoch */
  readonly now?: () => number
  readonly keep?: number
  readonly bufferMax?: number
  /** Hears of each event at once; must not throw. */
  readonly onRecord?: ((event: NewEvent) => void) | undefined
  /** Hears of events once they are in the log; must not throw. */
  readonly listener?: Listener
}

/** A line of the log, with what it does not hold. */
export interface WrittenEvent extends EventRow {
  /** As of {@link NewEvent}. */
  ticket: string | null
}

type Listener = (rows: readonly WrittenEvent[]) => void

export class EventLog {
  readonly #store: Store
  readonly #logger: Logger | undefined
  readonly #now: () => number
  readonly #keep: number
  readonly #bufferMax: number
  readonly #listener: Listener | undefined
  readonly #onRecord: ((event: NewEvent) => void) | undefined
  #buffer: Recorded[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #dropped = 0

  constructor(store: Store, options: EventLogOptions = {}) {
    this.#store = store
    this.#listener = options.listener
    this.#onRecord = options.onRecord
    this.#logger = options.logger
    this.#now = options.now ?? Date.now
    this.#keep = options.keep ?? KEEP
    this.#bufferMax = options.bufferMax ?? BUFFER_MAX
  }

  /** Events that were lost since the start, because they came faster than the store could write or it failed for long. */
  get dropped(): number {
    return this.#dropped
  }

  /** Events that are not in the log yet. */
  get waiting(): number {
    return this.#buffer.length
  }

  /** Costs less than a microsecond and never throws. The event must not be changed afterwards. */
  record(event: NewEvent): void {
    this.#onRecord?.(event)
    this.#buffer.push({ at: this.#now(), event })
    // Dropping the oldest half at once keeps the cost of each record constant.
    if (this.#buffer.length > this.#bufferMax) this.#drop(Math.ceil(this.#bufferMax / 2))
    this.#timer ??= setTimeout(() => this.#flushInBackground(), FLUSH_AFTER_MS).unref()
  }

  /** Newest first, with what was recorded a moment ago. A filter by pneId may read the whole log. */
  async list(filter: EventFilter & { type?: EventType | undefined }): Promise<EventRow[]> {
    await this.flush()
    return this.#store.listEvents(filter)
  }

  /** Writes what is in the buffer. @throws {StoreError} the events are then still in the buffer */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined)
    if (this.#buffer.length === 0) return
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
    })
    await this.#writing
  }

  /** Writes the rest. The store must still be open. */
  async close(): Promise<void> {
    await this.flush()
    clearTimeout(this.#timer)
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (let left = this.#buffer.length; left > 0; left -= BATCH) {
      const batch = this.#buffer.splice(0, Math.min(left, BATCH))
      const rows = batch.map((recorded, at) => toRow(recorded, at < STEPS_KEPT))
      try {
        const ids = await this.#store.appendEvents(rows, this.#keep)
        for (const [at, id] of ids.entries()) if (rows[at]) rows[at].id = id
      } catch (error) {
        this.#buffer = [...batch, ...this.#buffer]
        this.#drop(this.#buffer.length - this.#bufferMax)
        this.#timer ??= setTimeout(() => this.#flushInBackground(), RETRY_AFTER_MS).unref()
        throw error
      }
      this.#listener?.(rows)
    }
  }

  #flushInBackground(): void {
    this.#timer = undefined
    this.flush().catch((err) =>
      this.#logger?.warn({ event: 'events-not-written', err }, 'events could not be written yet'),
    )
  }

  #drop(count: number): void {
    if (count <= 0) return
    this.#buffer.splice(0, count)
    this.#dropped += count
    this.#logger?.warn(
      { event: 'events-dropped', dropped: this.#dropped },
      'events come faster than they can be written: the oldest were dropped',
    )
  }
}

/** The id comes with writing. */
function toRow({ at, event }: Recorded, keepsSteps: boolean): WrittenEvent {
  const withSteps = keepsSteps || event.result === 'refused' || event.facts !== undefined
  return {
    id: 0,
    at,
    type: event.type,
    result: event.result,
    reason: event.reason ?? null,
    pneId: event.pneId ?? null,
    gateway: event.gateway ?? null,
    user: event.user ?? null,
    case: event.case ?? null,
    ms: event.ms ?? null,
    session: event.session ?? null,
    steps: withSteps && event.steps ? `[${event.steps}]` : null,
    facts: event.facts ? JSON.stringify(event.facts) : null,
    ticket: event.ticket ?? null,
  }
}
