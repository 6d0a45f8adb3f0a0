// Where the lines of the log go: gathered for some milliseconds and written together, for a write a line costs more than
// making it. Whoever reads them may be slow, or go away: neither stops the program.
import { write, writeSync } from 'node:fs'

const GATHER_MS = 20
const RETRY_MS = 50
/** Octets that wait for a reader who does not read; later lines are dropped, and counted. */
const WAITING_MAX_OCTETS = 4 * 1024 * 1024
/** As much as Linux writes into a pipe at once or not at all (pipe(7), PIPE_BUF): what shares a pipe writes no more. */
const WHOLE_OCTETS = 4096
/** How long the last lines may take when the process ends. */
const LAST_WORDS_MS = 1000
/** A process that ends at once gives a write under way so long: nothing tells it there when that is done. */
const UNDER_WAY_MS = 50

export class LogStream {
  readonly #fd: number
  readonly #chunkMax: number
  #waiting: Buffer[] = []
  #octets = 0
  #timer: NodeJS.Timeout | undefined
  #writing = false
  #gone = false
  #dropped = 0
  #onIdle = () => {}

  /** @param of.isShared  others write to `fd` too: a line of theirs must not come in the middle of one of ours */
  constructor(fd: number, { isShared = false } = {}) {
    this.#fd = fd
    this.#chunkMax = isShared ? WHOLE_OCTETS : Number.POSITIVE_INFINITY
    process.on('exit', () => this.#writeRest())
  }

  /** Takes one line with its end. Never throws and never waits. */
  write(line: string): void {
    if (this.#gone) return
    if (this.#octets > WAITING_MAX_OCTETS) {
      this.#dropped++
      return
    }
    if (this.#dropped > 0) this.#sayDropped()
    this.#add(Buffer.from(line))
    this.#writeIn(GATHER_MS)
  }

  /** Resolves when all that was taken is written, or after a second: a program that waits for it before its end ends with whole lines. */
  async written(): Promise<void> {
    if (this.#octets === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const late = setTimeout(resolve, LAST_WORDS_MS)
    this.#onIdle = resolve
    await promise
    clearTimeout(late)
  }

  #add(octets: Buffer): void {
    this.#waiting.push(octets)
    this.#octets += octets.length
  }

  #sayDropped(): void {
    const line = { level: 'warn', event: 'log-dropped', lines: this.#dropped, msg: 'nobody read the log in time' }
    this.#dropped = 0
    this.#add(Buffer.from(`${JSON.stringify({ ...line, time: new Date().toISOString() })}\n`))
  }

  #writeIn(ms: number): void {
    if (this.#writing || this.#timer) return
    this.#timer = setTimeout(() => this.#write(), ms).unref()
  }

  #write(): void {
    this.#timer = undefined
    this.#writing = true
    const chunk = this.#take(this.#chunkMax)
    write(this.#fd, chunk, (error, written) => {
      this.#writing = false
      if (error && error.code !== 'EAGAIN') return this.#end()
      this.#putBack(chunk.subarray(error ? 0 : written))
      if (this.#octets > 0) this.#writeIn(error ? RETRY_MS : this.#octets > this.#chunkMax ? 0 : GATHER_MS)
      else this.#onIdle()
    })
  }

  /** Whole lines, at least one. */
  #take(max = Number.POSITIVE_INFINITY): Buffer {
    let octets = 0
    const count = this.#waiting.findIndex((line, at) => {
      octets += line.length
      return at > 0 && octets > max
    })
    return Buffer.concat(this.#waiting.splice(0, count === -1 ? this.#waiting.length : count))
  }

  #putBack(rest: Buffer): void {
    if (rest.length > 0) this.#waiting.unshift(rest)
    this.#octets = this.#waiting.reduce((sum, { length }) => sum + length, 0)
  }

  /** Nobody reads any more: that is no reason to end, and there is nobody to tell. */
  #end(): void {
    this.#gone = true
    this.#waiting = []
    this.#octets = 0
    this.#onIdle()
  }

  #writeRest(): void {
    if (this.#writing) pause(UNDER_WAY_MS)
    const giveUpAt = performance.now() + LAST_WORDS_MS
    while (this.#waiting.length > 0 && performance.now() < giveUpAt) {
      const chunk = this.#take(this.#chunkMax)
      try {
        this.#putBack(chunk.subarray(writeSync(this.#fd, chunk)))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return
        this.#putBack(chunk)
        pause(5)
      }
    }
  }
}

/** Stops this thread, and no other. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
