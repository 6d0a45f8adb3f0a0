// The last authentications in memory, newest first to be had; a part that comes later is put to the one that it belongs to.
// Bounded: the oldest is forgotten for each new one.
import type { Known, Part } from './parts.ts'

const REMEMBERED = 8192
const REFUSALS = 20

export class History {
  readonly #max: number
  readonly #now: () => number
  readonly #ring: Known[] = []
  readonly #places = new Map<string, number>()
  readonly #refusals: Known[] = []
  /** How many there were so far: the next place, modulo the size of the ring. */
  #count = 0
  #revision = 0

  /** @param options.now  ms since the epoch */
  constructor({ now, max = REMEMBERED }: { now: () => number; max?: number }) {
    this.#now = now
    this.#max = max
  }

  /** Enters a part. Undefined when it says nothing new: a gateway's part that came already. */
  add(part: Part): Known | undefined {
    const known = this.find(part.id)
    if (known === undefined) return this.#remember(part)
    if (part.told !== undefined && known.told !== undefined) return undefined
    known.server = part.server ?? known.server
    known.told ??= part.told
    known.revision = this.#nextRevision()
    return known
  }

  find(id: string): Known | undefined {
    const place = this.#places.get(id)
    return place === undefined ? undefined : this.#ring[place % this.#max]
  }

  /** Newest first. @param before  id of one: only those that came before it, none when it is forgotten */
  *newest(before?: string): Generator<Known> {
    const end = before === undefined ? this.#count : (this.#places.get(before) ?? 0)
    const oldest = Math.max(0, this.#count - this.#max)
    for (let place = end - 1; place >= oldest; place--) yield this.#ring[place % this.#max] as Known
  }

  /** Those that came or changed after a revision, in the order in which they did, the newest `max` of them. */
  since(revision: number, max: number): Known[] {
    const changed = this.#ring.filter((known) => known.revision > revision)
    return changed.sort((a, b) => a.revision - b.revision).slice(-max)
  }

  /** The last 20 that were refused, newest first, however many were accepted since. */
  get refusals(): readonly Known[] {
    return this.#refusals.toReversed()
  }

  /** Notes that this one was refused. Idempotent. */
  noteRefusal(known: Known): void {
    if (this.#refusals.includes(known)) return
    this.#refusals.push(known)
    if (this.#refusals.length > REFUSALS) this.#refusals.shift()
  }

  #remember({ id, gateway, session, server, told }: Part): Known {
    const known: Known = { id, gateway, session, server, told, revision: this.#nextRevision() }
    const place = this.#count++
    const forgotten = this.#ring[place % this.#max]
    if (forgotten) this.#places.delete(forgotten.id)
    this.#ring[place % this.#max] = known
    this.#places.set(id, place)
    return known
  }

  /** Time goes on while the process does not run, so a revision tells also after a restart what came later. */
  #nextRevision(): number {
    this.#revision = Math.max(this.#revision + 1, Math.floor(this.#now() * 1000))
    return this.#revision
  }
}
