// Whether this process has more to do than it can: its event loop is late, again and again. Then a PNE that comes is told to come
// later, before anything is calculated for it, so that those who are under way get through in time. Without that, a gateway whose
// devices all come at once spends its time on handshakes that nobody waits for any more.

const TICK_MS = 50
/** A pass of the loop that took longer is a late one. */
const LATE_MS = 200
/** One late pass may be anything; so many in a row are a queue. */
const LATE_TICKS = 3

export class Load {
  #dueAt: number
  #late = 0
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout

  /** @param now milliseconds since any moment */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#dueAt = now() + TICK_MS
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref()
  }

  get isTooHigh(): boolean {
    return this.#late >= LATE_TICKS
  }

  /** A pass of the event loop. */
  tick(): void {
    const now = this.#now()
    this.#late = now - this.#dueAt > LATE_MS ? this.#late + 1 : 0
    this.#dueAt = now + TICK_MS
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
