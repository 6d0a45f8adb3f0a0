// Brings what happens to whoever watches, in batches ten times a second. With nobody watching nothing is collected.
// Bounded: a batch holds what a person can look at, and says how much more there was.
import type { EventRow } from '../store/contract.ts'
import type { Change, LinkChange, RegistrationChange } from './messages.ts'
import type { Known } from './parts.ts'
import { Recent } from './recent.ts'

const INTERVAL_MS = 100
/** In a batch. Beyond it refusals go first, then those that came first; second parts of what was told come beside. */
const AUTHENTICATIONS = 10
const OTHERS = 50
/** Waiting to be chosen from; refusals and second parts may be as many again. */
const WAITING = 100

export interface Batch {
  /** As they are known now, each once, and the line of the log that brought it, in the order of these. */
  readonly authentications: readonly { readonly line: number; readonly known: Known }[]
  /** How many more there were. */
  readonly unshown: number
  readonly registrations: readonly RegistrationChange[]
  readonly links: readonly LinkChange[]
  readonly changes: readonly Change[]
  /** Whole seconds since the epoch that have just become complete. */
  readonly seconds: readonly number[]
}

export interface Watcher {
  /** Takes a batch; the next one waits for it. */
  take(batch: Batch): void | Promise<void>
}

/** A second is told when its reports have come: a gateway's may take 250 ms, another replica's as long again. */
const SECOND_COMPLETE_MS = 600

export class Broadcast {
  readonly #now: () => number
  readonly #watchers = new Set<Watcher>()
  #timer: NodeJS.Timeout | undefined
  #busy = false
  readonly #recent = new Recent()
  #authentications: EventRow[] = []
  #unshown = 0
  #registrations: RegistrationChange[] = []
  #links: LinkChange[] = []
  #changes: Change[] = []
  #second = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether anybody watches. */
  get isOn(): boolean {
    return this.#watchers.size > 0
  }

  /** From now on. Gives what ends it. */
  watch(watcher: Watcher): () => void {
    if (!this.isOn) this.#second = this.#completeSecond()
    this.#watchers.add(watcher)
    this.#timer ??= setInterval(() => void this.#send(), INTERVAL_MS).unref()
    return () => {
      this.#watchers.delete(watcher)
      if (!this.isOn) this.#stop()
    }
  }

  authentication(row: EventRow): void {
    if (!this.isOn) return
    const max = row.result === 'accepted' && row.type === 'authentication' ? WAITING : 2 * WAITING
    if (this.#authentications.length >= max) {
      this.#unshown++
      return
    }
    this.#recent.add(row)
    this.#authentications.push(row)
  }

  registration(change: RegistrationChange): void {
    if (this.isOn) push(this.#registrations, change)
  }

  link(change: LinkChange): void {
    if (this.isOn) push(this.#links, change)
  }

  change(change: Change): void {
    if (this.isOn) push(this.#changes, change)
  }

  async #send(): Promise<void> {
    if (this.#busy) return
    const batch = this.#batch()
    if (Object.values(batch).every((part) => part === 0 || part.length === 0)) return
    this.#busy = true
    try {
      await Promise.all([...this.#watchers].map(async (watcher) => watcher.take(batch)))
    } finally {
      this.#busy = false
    }
  }

  #batch(): Batch {
    const waiting = this.#authentications.splice(0)
    const seconds = waiting.filter((row) => row.type === 'report' && this.#recent.isTold(row))
    const others = waiting.filter((row) => !seconds.includes(row))
    const rows = [...chosen(others, AUTHENTICATIONS), ...chosen(seconds, AUTHENTICATIONS)]
    const unshown = this.#unshown + waiting.length - rows.length
    this.#unshown = 0
    const registrations = this.#registrations.splice(0)
    const links = this.#links.splice(0)
    const changes = this.#changes.splice(0)
    const told = new Map<number, { line: number; known: Known }>()
    for (const row of rows) {
      const known = this.#recent.tell(row)
      if (known) told.set(known.id, { line: row.id, known })
    }
    const authentications = [...told.values()].sort((a, b) => a.line - b.line)
    return { authentications, unshown, registrations, links, changes, seconds: this.#seconds() }
  }

  #seconds(): number[] {
    const upTo = this.#completeSecond()
    const from = Math.max(this.#second, upTo - 2)
    this.#second = upTo
    return Array.from({ length: Math.max(0, upTo - from) }, (_, at) => from + at)
  }

  /** The first second that is not complete. */
  #completeSecond(): number {
    return Math.floor((this.#now() - SECOND_COMPLETE_MS) / 1000)
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#batch()
    this.#recent.clear()
  }
}

function push<T>(to: T[], one: T): void {
  if (to.length < OTHERS) to.push(one)
}

/** Refusals first, then those that came first; in the order in which they came. */
export function chosen(rows: readonly EventRow[], max: number): EventRow[] {
  if (rows.length <= max) return [...rows]
  const isRefused = (row: EventRow) => row.result !== 'accepted'
  const refused = rows.filter(isRefused).slice(0, max)
  const accepted = rows.filter((row) => !isRefused(row)).slice(0, max - refused.length)
  return [...refused, ...accepted].sort((a, b) => a.id - b.id)
}
