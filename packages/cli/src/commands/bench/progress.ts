// One line of progress: rewritten at a terminal, and elsewhere a line every five seconds.
import { note } from '../../output.ts'
import type { Schedule } from './plan.ts'
import type { Tally } from './tally.ts'

const AT_TERMINAL_MS = 250
const ELSEWHERE_MS = 5000

export class Progress {
  readonly #totalMs: number
  readonly #rampMs: number
  readonly #tally: Tally
  readonly #began = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor({ rampMs, durationMs }: Schedule, tally: Tally) {
    this.#rampMs = rampMs
    this.#totalMs = rampMs + durationMs
    this.#tally = tally
    this.#timer = setInterval(() => this.#show(), process.stderr.isTTY ? AT_TERMINAL_MS : ELSEWHERE_MS)
  }

  end(): void {
    clearInterval(this.#timer)
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  }

  #show(): void {
    if (process.stderr.isTTY) process.stderr.write(`\r${this.#line()}\u001b[K`)
    else note(this.#line())
  }

  #line(): string {
    const elapsedMs = Math.min(this.#totalMs, performance.now() - this.#began)
    const { done, failed, latency, generator } = this.#tally
    const phase =
      elapsedMs < this.#rampMs
        ? 'ramp'
        : `${done} authenticated, ${failed} failed, half in ${latency.p50} ms, 99 % in ${latency.p99} ms`
    const warning = generator.saturated && elapsedMs > this.#rampMs ? ', this machine is the limit' : ''
    return `${Math.round(elapsedMs / 1000)} of ${Math.round(this.#totalMs / 1000)} s: ${phase}${warning}`
  }
}
