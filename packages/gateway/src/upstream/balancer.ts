// Brings a request to one of several servers: the least loaded; another one too when that is late, or at once when the link breaks
// or the server is busy. Every request may be repeated at any replica (docs/protocol.md section 4.4), so the first answer counts.

import { sleep } from '@opencpns/io'
import { type MessageOf, Result, SERVER_DEADLINE_MS } from '@opencpns/protocol'
import { UpstreamError } from './errors.ts'
import { compareLoad } from './link-load.ts'
import type { MakeRequest, ResponseMessage, ServerLink } from './server-link.ts'
import type { Servers } from './servers.ts'

/** Servers that one request is brought to. */
const TRIES_MAX = 3
/** A request that comes while a connection is being made, or was lost just now, waits for it, this long. */
const CONNECTING_MS = 1000
/** Requests that are brought to a second server because the first is late: these, or a quarter of all, so that slow servers do not get twice as much. */
const HEDGES_MIN = 16
const HEDGES_SHARE = 0.25

export class Balancer {
  readonly #servers: Pick<Servers, 'links' | 'isExpecting' | 'changed'>
  #hedges = 0
  #inFlight = 0

  constructor(servers: Pick<Servers, 'links' | 'isExpecting' | 'changed'>) {
    this.#servers = servers
  }

  /**
   * Resolves to the response, whatever its result, within 4 s.
   * @param make  encodes the request with an id, and for the version, of the link that it goes to
   * @throws {UpstreamError} SERVER_UNREACHABLE, SERVER_SILENT, TOO_MANY_REQUESTS
   */
  async request<R extends ResponseMessage>(make: MakeRequest, expected: R): Promise<MessageOf<R>> {
    this.#inFlight++
    const deadline = performance.now() + SERVER_DEADLINE_MS
    const flight = new Flight<R>((link, onLate) => link.request(make, expected, { deadline, onLate }), this, deadline)
    try {
      return await flight.answer
    } finally {
      this.#inFlight--
      if (flight.hedged) this.#hedges--
    }
  }

  /** The least loaded link that was not tried. */
  choose(tried: ReadonlySet<ServerLink>): ServerLink | undefined {
    const now = performance.now()
    let best: ServerLink | undefined
    for (const link of this.#servers.links) {
      if (tried.has(link)) continue
      if (best === undefined || compareLinks(link, best, now) < 0) best = link
    }
    return best
  }

  /**
   * As {@link choose}; waits for a link only while one may be there in a moment, and not beyond `deadline`.
   * @throws {UpstreamError} SERVER_UNREACHABLE
   */
  async chooseSoon(tried: ReadonlySet<ServerLink>, deadline: number): Promise<ServerLink> {
    const waiting = new AbortController()
    const waitMs = Math.max(0, Math.min(CONNECTING_MS, deadline - performance.now()))
    const late = sleep(waitMs, waiting).catch(() => {})
    let isLate = false
    void late.then(() => {
      isLate = true
    })
    try {
      while (!isLate && this.#servers.isExpecting) {
        await Promise.race([this.#servers.changed(), late])
        const link = this.choose(tried)
        if (link) return link
      }
    } finally {
      waiting.abort()
    }
    throw new UpstreamError('SERVER_UNREACHABLE', 'there is no connection to the server')
  }

  /** Whether one more request may go to a second server. */
  mayHedge(): boolean {
    if (this.#hedges >= Math.max(HEDGES_MIN, this.#inFlight * HEDGES_SHARE)) return false
    this.#hedges++
    return true
  }
}

/** One that does not react comes last, whatever its load. */
function compareLinks(one: ServerLink, other: ServerLink, now: number): number {
  if (one.isResponsive !== other.isResponsive) return one.isResponsive ? -1 : 1
  return compareLoad(one.load, other.load, now)
}

/** One request on its way to one or more servers. */
class Flight<R extends ResponseMessage> {
  readonly answer: Promise<MessageOf<R>>
  hedged = false
  readonly #send: (link: ServerLink, onLate: () => void) => Promise<MessageOf<R>>
  readonly #balancer: Pick<Balancer, 'choose' | 'chooseSoon' | 'mayHedge'>
  readonly #deadline: number
  readonly #tried = new Set<ServerLink>()
  readonly #settle: PromiseWithResolvers<MessageOf<R>>
  #underWay = 0
  #over = false

  constructor(
    send: (link: ServerLink, onLate: () => void) => Promise<MessageOf<R>>,
    balancer: Pick<Balancer, 'choose' | 'chooseSoon' | 'mayHedge'>,
    deadline: number,
  ) {
    this.#send = send
    this.#deadline = deadline
    this.#balancer = balancer
    this.#settle = Promise.withResolvers()
    this.answer = this.#settle.promise
    const link = balancer.choose(this.#tried)
    if (link) this.#bringTo(link)
    else this.#bringToNext()
  }

  #bringTo(link: ServerLink): void {
    this.#tried.add(link)
    this.#underWay++
    this.#send(link, () => this.#late()).then(
      (response) => this.#answered(response),
      (error) => this.#unanswered(error),
    )
  }

  #bringToNext(): void {
    this.#underWay++
    this.#balancer.chooseSoon(this.#tried, this.#deadline).then(
      (link) => {
        this.#underWay--
        this.#bringTo(link)
      },
      (error) => {
        this.#underWay--
        this.#fail(error)
      },
    )
  }

  #late(): void {
    const another = this.#another()
    if (this.hedged || !another || !this.#balancer.mayHedge()) return
    this.hedged = true
    this.#bringTo(another)
  }

  #answered(response: MessageOf<R>): void {
    this.#underWay--
    const another = isOwn(response.result) ? this.#another() : undefined
    if (another) this.#bringTo(another)
    else if (!isOwn(response.result) || this.#underWay === 0) this.#end(() => this.#settle.resolve(response))
  }

  #unanswered(error: unknown): void {
    this.#underWay--
    if (this.#over) return
    const another = this.#another()
    if (another) this.#bringTo(another)
    else if (isLost(error) && this.#underWay === 0 && this.#tried.size < TRIES_MAX) this.#bringToNext()
    else this.#fail(error)
  }

  #another(): ServerLink | undefined {
    return this.#over || this.#tried.size >= TRIES_MAX ? undefined : this.#balancer.choose(this.#tried)
  }

  #fail(error: unknown): void {
    if (this.#underWay === 0) this.#end(() => this.#settle.reject(error))
  }

  #end(settle: () => void): void {
    this.#over = true
    settle()
  }
}

function isLost(error: unknown): boolean {
  return error instanceof UpstreamError && error.code === 'SERVER_UNREACHABLE'
}

/**
 * Whether a refusal says something about this server, so that another one may answer otherwise: a busy server is one whose store
 * fails it, and one that refuses a challenge may be the one whose clock is wrong.
 */
function isOwn(result: Result): boolean {
  return result === Result.busy || result === Result.challengeRefused
}
