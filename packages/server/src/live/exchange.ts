// The one place where what happens leaves for other replicas, and where what happened at them comes in. Four times a second
// so much as a person could look at, once a second what was counted. Without other replicas nothing is collected.
import type { EventRow } from '../store/contract.ts'
import { chosen } from './broadcast.ts'
import type { LiveMessage } from './messages.ts'

const INTERVAL_MS = 250
/** Authentications, and other messages of each kind, in one interval. */
const AUTHENTICATIONS = 20
const OTHERS = 50
/** Changes of the devices of one gateway: however many there are, a ticket that was used at another one is told. */
const OF_A_GATEWAY = 10
const WAITING = 1000
/** After a pause of the process. */
const SECONDS = 5
/** Numbers of the times of steps in one message: a multiple of three. */
const STEPS = 600

type Counted = Extract<LiveMessage, { kind: 'second' }>

interface ExchangeOptions {
  /** ms since the epoch */
  readonly now: () => number
  /** What this replica counted in a whole second. */
  readonly counted: (atS: number) => Counted
}

export class Exchange {
  readonly #options: ExchangeOptions
  #send: ((messages: readonly LiveMessage[]) => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #authentications: EventRow[] = []
  #others: LiveMessage[] = []
  /** How many of them there are, by kind, and by gateway. */
  readonly #counts = new Map<string, number>()
  #second = 0

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** @param send  brings messages to all other replicas; must not throw. Gives what ends it. */
  join(send: (messages: readonly LiveMessage[]) => void): () => void {
    this.#send = send
    this.#second = this.#currentSecond()
    this.#options.counted(this.#second) // what was counted before nobody waits for
    this.#timer = setInterval(() => this.#flush(), INTERVAL_MS).unref()
    return () => {
      clearInterval(this.#timer)
      this.#send = undefined
    }
  }

  authentication(row: EventRow): void {
    if (!this.#send) return
    this.#authentications.push(row)
    if (this.#authentications.length >= WAITING) this.#authentications = chosen(this.#authentications, AUTHENTICATIONS)
  }

  other(message: LiveMessage): void {
    if (!this.#send) return
    const change = message.kind === 'change' ? message.change : undefined
    if (change && change.type !== 'audit' && !this.#hasRoom(`of ${change.gateway}`, OF_A_GATEWAY)) return
    if (this.#hasRoom(change?.type ?? message.kind, OTHERS)) this.#others.push(message)
  }

  /** Counts one more of these, if there may be. */
  #hasRoom(of: string, max: number): boolean {
    const count = this.#counts.get(of) ?? 0
    if (count < max) this.#counts.set(of, count + 1)
    return count < max
  }

  #flush(): void {
    const rows = chosen(this.#authentications.splice(0), AUTHENTICATIONS)
    const messages: LiveMessage[] = [...rows.map((row) => ({ kind: 'authentication', row }) as const), ...this.#others]
    this.#others = []
    this.#counts.clear()
    this.#second = Math.max(this.#second, this.#currentSecond() - SECONDS)
    for (; this.#second < this.#currentSecond(); this.#second++)
      messages.push(...inPieces(this.#options.counted(this.#second)))
    if (messages.length > 0) this.#send?.(messages)
  }

  #currentSecond(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

/** A bus may carry small messages only. */
function inPieces({ steps, ...second }: Counted): Counted[] {
  const first = { ...second, steps: steps.slice(0, STEPS) }
  if (steps.length <= STEPS) return [first]
  return [first, ...inPieces({ ...second, counts: [], steps: steps.slice(STEPS) })]
}
