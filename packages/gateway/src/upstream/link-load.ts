// How busy a link to a server is, for the choice between several: requests in flight, how long answers take, and slow start.
// A link that was made a moment ago is given work as TCP is (RFC 5681 section 3.1): a little, and with each answer more. So a
// server that comes back is not met by all that its gateways have.

/** Requests in flight that a new link is given while others could take them. Each answer adds one. */
const WINDOW_MIN = 8
/** How much the newest answer counts. */
const SMOOTHING = 0.2
/** A latency that was measured so long ago counts half: a server that was slow once is tried again. */
const HALF_LIFE_MS = 10_000

export class LinkLoad {
  readonly #windowMax: number
  #inFlight = 0
  #window = WINDOW_MIN
  #latencyMs = 0
  #measuredAt = 0

  /** @param windowMax  as many requests as the link allows at once */
  constructor(windowMax: number) {
    this.#windowMax = windowMax
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Whether slow start allows one more; where no other link does either, it is given all the same. */
  get hasRoom(): boolean {
    return this.#inFlight < this.#window
  }

  /** Milliseconds that an answer takes of late; 0 while nothing is known. @param now milliseconds since any moment */
  latencyMs(now: number): number {
    return this.#latencyMs * 0.5 ** ((now - this.#measuredAt) / HALF_LIFE_MS)
  }

  began(): void {
    this.#inFlight++
  }

  answered(sentAt: number, now: number): void {
    this.#inFlight--
    if (this.#window < this.#windowMax) this.#window++
    const before = this.latencyMs(now)
    this.#latencyMs = before === 0 ? now - sentAt : before + SMOOTHING * (now - sentAt - before)
    this.#measuredAt = now
  }

  unanswered(): void {
    this.#inFlight--
  }
}

/** Which of two to give the next request: by room, then by requests in flight, then by latency. Negative for the first. */
export function compareLoad(one: LinkLoad, other: LinkLoad, now: number): number {
  if (one.hasRoom !== other.hasRoom) return one.hasRoom ? -1 : 1
  return one.inFlight - other.inFlight || one.latencyMs(now) - other.latencyMs(now)
}
