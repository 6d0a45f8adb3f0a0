// Drives requests through the steps. No promise and no timer is made unless a step itself is asynchronous.

import type { Discards } from './discards.ts'
import type { Exchange, Source } from './exchange.ts'
import { type Desk, type Outcome, offences, outcomeOf, steps } from './steps.ts'
import { Waits } from './waits.ts'

export interface PipelineLimits {
  /** Requests in asynchronous handling at once; more are discarded. */
  maxConcurrent: number
  /** How long the handler (or the look-up of a client) may take. */
  handleTimeoutMs: number
}

export class Pipeline {
  readonly #desk: Desk
  readonly #discards: Discards
  readonly #limits: PipelineLimits
  readonly #waits: Waits
  #received = 0
  #answered = 0

  constructor(desk: Desk, discards: Discards, limits: PipelineLimits) {
    this.#desk = desk
    this.#discards = discards
    this.#limits = limits
    this.#waits = new Waits({
      timeoutMs: limits.handleTimeoutMs,
      now: () => desk.now(),
      onLate: (exchange) => this.#finish(exchange, 'timed-out'),
    })
  }

  get received(): number {
    return this.#received
  }

  get answered(): number {
    return this.#answered
  }

  /** Takes a datagram (or a packet of a stream); what comes of it goes to `source`. Never throws. */
  receive(datagram: Buffer, source: Source): void {
    this.#received++
    const exchange: Exchange = { datagram, source }
    if (this.#waits.size >= this.#limits.maxConcurrent) this.#finish(exchange, 'overloaded')
    else this.#run(exchange, 0)
  }

  /** Resolves when all that is being handled has come to its end. */
  settled(): Promise<void> {
    return this.#waits.settled()
  }

  #run(exchange: Exchange, from: number): void {
    for (let at = from; at < steps.length; at++) {
      let outcome: Outcome | Promise<Outcome>
      try {
        outcome = (steps[at] as (typeof steps)[number])(exchange, this.#desk)
      } catch (error) {
        this.#fail(exchange, error)
        return
      }
      if (outcome instanceof Promise) {
        this.#wait(exchange, at, outcome)
        return
      }
      if (outcome !== 'next') {
        this.#finish(exchange, outcome)
        return
      }
    }
  }

  #wait(exchange: Exchange, at: number, promise: Promise<Outcome>): void {
    this.#waits.begin(exchange)
    promise.then(
      (outcome) => {
        if (!this.#waits.end(exchange)) return
        if (outcome === 'next') this.#run(exchange, at + 1)
        else this.#finish(exchange, outcome)
      },
      (error: unknown) => {
        if (this.#waits.end(exchange)) this.#fail(exchange, error)
      },
    )
  }

  #fail(exchange: Exchange, error: unknown): void {
    const outcome = outcomeOf(error)
    this.#finish(exchange, outcome, outcome === 'failed' ? { err: error } : { detail: (error as Error).message })
  }

  #finish(exchange: Exchange, outcome: Outcome, facts: object = {}): void {
    if (outcome === 'answered') {
      this.#answered++
      return
    }
    if (outcome === 'next') return
    const { source, remembered } = exchange
    if (remembered) this.#desk.duplicates.end(remembered, undefined, this.#desk.now())
    this.#discards.add(outcome, { address: source.address, port: source.port, client: exchange.client?.name, ...facts })
    if (offences.has(outcome)) source.offend()
  }
}
