// A connection that carries frames (docs/protocol.md section 3), in the clear or inside TLS. Two ways to use it: `send` and
// `receive` in lock step, and then `release` for the upgrade to TLS; or `sendSoon` and `frames` for many in flight.
// What the frames say is not known here.

import type { Duplex } from 'node:stream'
import { Batch } from './batch.ts'
import { type Limits, watch } from './deadline.ts'
import { IoError, swallowErrors } from './errors.ts'
import { FrameReader, frameOf, PREFIX_OCTETS } from './frames.ts'
import { CLOSED, endOfOther, failed, HANDED_OVER, type LinkEnd } from './link-end.ts'
import { TRANSCRIPT_MAX_OCTETS, Transcript } from './transcript.ts'

const LINGER_MS = 1000
const DRAIN_MS = 10_000
const QUEUE_MAX_OCTETS = 4 * 1024 * 1024
const PENDING_MAX = 64
const ACCEPTED = Promise.resolve()

export interface FrameLinkOptions {
  /** The largest body, both ways. */
  readonly maxFrameOctets: number
  /** Whether `transcriptHash` will be asked for. Such a link carries 256 KiB at most. */
  readonly transcript?: boolean
  /** What `sendSoon` holds at most while the other side does not read. */
  readonly maxQueuedOctets?: number
}

/** Takes the body of a frame. The body is a view: copy what must outlive the call by much. */
export type FrameHandler = (body: Buffer) => unknown

export interface FramesOptions {
  /** How many promises of the handler may be pending before reading stops. */
  readonly maxPending?: number
  /** The longest silence, in milliseconds, measured between whole frames. */
  readonly idleMs?: number | undefined
}

/** Who takes the frames at the moment: one `receive`, or `frames`. */
interface Sink {
  take(body: Buffer): void
  fail(end: LinkEnd): void
}

/**
 * Frames over a TCP or TLS socket. Whatever goes wrong ends the link: the socket is destroyed, and every later call
 * fails with the same error. It reads only while somebody waits for a frame.
 */
export class FrameLink<S extends Duplex = Duplex> {
  readonly socket: S
  readonly #maxFrameOctets: number
  readonly #maxQueuedOctets: number
  readonly #reader: FrameReader
  readonly #transcript: Transcript | undefined
  readonly #batch = new Batch()
  readonly #drains = new Set<(error?: unknown) => void>()
  #sink: Sink | undefined
  #held = false // the handler of `frames` has enough to do
  #ended: { readonly cause?: unknown } | undefined // by the other side
  #end: LinkEnd | undefined
  #early: boolean | undefined // whether octets were there before our last frame went

  constructor(socket: S, { maxFrameOctets, transcript = false, maxQueuedOctets = QUEUE_MAX_OCTETS }: FrameLinkOptions) {
    this.socket = socket
    this.#maxFrameOctets = maxFrameOctets
    this.#maxQueuedOctets = maxQueuedOctets
    this.#reader = new FrameReader(maxFrameOctets)
    this.#transcript = transcript ? new Transcript() : undefined
    if (socket.destroyed) this.#ended = {}
    swallowErrors(socket)
    socket.pause()
    socket.on('data', this.#onData).on('drain', this.#onDrain)
    socket.on('end', this.#onEnd).on('close', this.#onEnd).on('error', this.#onError)
  }

  /**
   * Sends one frame, in one write. Resolves at once when the socket accepts it, or else when the socket has drained.
   * @throws {RangeError} the body is empty or larger than `maxFrameOctets`: a caller's bug
   * @throws {IoError} LINK_CLOSED, DEADLINE_EXCEEDED (by default after 10 s), ABORTED
   */
  send(body: Uint8Array, limits: Limits = { timeoutMs: DRAIN_MS }): Promise<void> {
    this.#checkBody(body)
    this.#flush()
    if (!this.socket.writable) return Promise.reject(this.#closedError())
    this.#early = this.#octetsAhead() > 0
    return this.#write(frameOf(body)) ? ACCEPTED : this.drained(limits)
  }

  /**
   * Sends one frame together with all others of this tick: one write, and so one TLS record.
   * @returns false: the other side reads slowly (wait for `drained`), or the link is closed and the frame is lost.
   *   Above `maxQueuedOctets` the link ends with SEND_QUEUE_FULL.
   * @throws {RangeError} the body is empty or larger than `maxFrameOctets`: a caller's bug
   */
  sendSoon(body: Uint8Array): boolean {
    this.#checkBody(body)
    if (!this.socket.writable) return false
    if (this.#batch.add(body) === 1) process.nextTick(this.#flush)
    const queued = this.socket.writableLength + this.#batch.octets
    if (queued > this.#maxQueuedOctets) {
      this.#fail(new IoError('SEND_QUEUE_FULL', `the other side left ${queued} octets unread`))
      return false
    }
    return !this.socket.writableNeedDrain
  }

  /**
   * Resolves when the socket has room again.
   * @throws {IoError} LINK_CLOSED, DEADLINE_EXCEEDED (by default after 10 s), ABORTED
   */
  drained(limits: Limits = { timeoutMs: DRAIN_MS }): Promise<void> {
    if (!this.socket.writable) return Promise.reject(this.#closedError())
    if (!this.socket.writableNeedDrain) return ACCEPTED
    return new Promise((resolve, reject) => {
      const stop = watch(limits, 'sending', (error) => this.#fail(error))
      const settle = (error?: unknown) => {
        stop()
        this.#drains.delete(settle)
        if (error) reject(error)
        else resolve()
      }
      this.#drains.add(settle)
    })
  }

  /**
   * Waits for one frame and gives its body, which may be a view of a larger buffer. The time counts for the whole frame.
   * @throws {IoError} FRAME_TOO_LARGE, FRAME_EMPTY, FRAME_TRUNCATED, LINK_CLOSED, DEADLINE_EXCEEDED, ABORTED
   */
  receive(limits: Limits): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#checkUnused()
      const stop = watch(limits, 'waiting for a message', (error) => this.#fail(error))
      const take = (body: Buffer) => {
        stop()
        this.#sink = undefined
        this.#early = undefined
        this.socket.pause()
        this.#giveBack()
        resolve(body)
      }
      const fail = (end: LinkEnd) => {
        stop()
        reject(end.error())
      }
      this.#read({ take, fail })
    })
  }

  /**
   * Gives each frame to the handler as it comes. Reading stops while `maxPending` promises of the handler are pending.
   * Resolves when either side closes between frames.
   * @throws {IoError} FRAME_TOO_LARGE, FRAME_EMPTY, FRAME_TRUNCATED, SEND_QUEUE_FULL, DEADLINE_EXCEEDED (`idleMs`),
   *   LINK_CLOSED with a cause (the connection was reset); and whatever the handler throws or rejects with
   */
  frames(handler: FrameHandler, { maxPending = PENDING_MAX, idleMs }: FramesOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#checkUnused()
      let pending = 0
      const idle = idleMs === undefined ? undefined : setTimeout(() => this.#onIdle(idle, idleMs), idleMs)
      const settled = () => {
        pending--
        if (!this.#held) return
        idle?.refresh()
        this.#resume()
      }
      const take = (body: Buffer) => {
        idle?.refresh()
        const result = handler(body)
        if (!(result instanceof Promise)) return
        this.#held = ++pending >= maxPending
        result.then(settled, (error) => this.#fail(error))
      }
      const fail = (end: LinkEnd) => {
        clearTimeout(idle)
        if (end.orderly) resolve()
        else reject(end.error())
      }
      this.#read({ take, fail })
    })
  }

  /** SHA-256, 32 octets, over all frames sent and received so far, in their order, each with its prefix. */
  transcriptHash(): Buffer {
    if (!this.#transcript) throw new TypeError('this link keeps no transcript')
    this.#flush()
    return this.#transcript.hash()
  }

  /**
   * Lets go of the socket, paused, for its upgrade to TLS.
   * @throws {IoError} UNEXPECTED_OCTETS: the other side sent more than the last frame; the socket is destroyed.
   *   Or what the link failed with before
   */
  release(): S {
    const early = this.#early ?? this.#octetsAhead() > 0
    const socket = this.handOver()
    if (!early) return socket
    socket.destroy()
    throw new IoError('UNEXPECTED_OCTETS', 'octets came after the last message in the clear')
  }

  /**
   * Lets go of the socket, paused, for what is no frame any more; only a listener that swallows errors stays on it.
   * Octets that came after the last frame are the first that its next reader gets.
   * @throws {IoError} what the link failed with before
   */
  handOver(): S {
    if (this.#sink) throw new TypeError('the link is in use')
    if (this.#end) throw this.#end.error()
    this.#flush()
    this.#detach()
    this.#end = HANDED_OVER
    return this.socket
  }

  /** Sends what is queued, ends the connection, and destroys the socket when the other side has ended too, or after 1 s. */
  close(): void {
    if (this.#end) return
    this.#flush()
    this.#finish(CLOSED)
    const { socket } = this
    if (socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
    socket.resume() // what comes is dropped, so that the other side's end is seen
    socket.end()
  }

  /** Ends the link and the connection at once. */
  destroy(): void {
    this.#stop(CLOSED)
  }

  #checkUnused(): void {
    if (this.#sink) throw new TypeError('the link is in use')
  }

  #read(sink: Sink): void {
    if (this.#end) {
      sink.fail(this.#end)
    } else {
      this.#sink = sink
      this.#resume()
    }
  }

  #resume(): void {
    this.#held = false
    this.#deliver()
    if (this.#sink && !this.#held) this.socket.resume()
  }

  /** Gives frames to the sink until there are no more, or it has enough. */
  #deliver(): void {
    try {
      while (this.#sink && !this.#held) {
        const frame = this.#reader.next()
        if (!frame) {
          if (this.#ended) this.#stop(this.#endOfOther(this.#ended))
          return
        }
        this.#record(frame)
        this.#sink?.take(frame.subarray(PREFIX_OCTETS))
      }
      if (this.#end) return
      this.socket.pause()
      if (!this.#sink) this.#giveBack()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Nobody waits for a frame. While octets are in the socket it does not end, so they are still there for `handOver`. */
  #giveBack(): void {
    const surplus = this.#reader.rest()
    if (surplus.length > 0) this.socket.unshift(surplus)
  }

  #write(octets: Buffer): boolean {
    this.#record(octets)
    return this.socket.write(octets)
  }

  #record(octets: Buffer): void {
    if (this.#transcript?.add(octets) !== false) return
    this.#fail(new IoError('TRANSCRIPT_TOO_LONG', `more than ${TRANSCRIPT_MAX_OCTETS} octets in the clear`))
  }

  readonly #flush = (): void => {
    if (this.#batch.octets === 0) return
    const octets = this.#batch.take()
    if (this.socket.writable) this.#write(octets)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#reader.push(chunk)
    this.#deliver()
  }

  readonly #onDrain = (): void => {
    for (const settle of this.#drains) settle()
  }

  readonly #onEnd = (): void => {
    this.#ended ??= {}
    if (this.socket.destroyed && this.#drains.size > 0) this.#stop(this.#endOfOther(this.#ended))
    else this.#deliver()
  }

  readonly #onError = (cause: unknown): void => {
    this.#ended = { cause }
  }

  #onIdle(timer: NodeJS.Timeout | undefined, idleMs: number): void {
    if (this.#held) timer?.refresh()
    else this.#fail(new IoError('DEADLINE_EXCEEDED', `the other side said nothing for ${idleMs} ms`))
  }

  #closedError(): unknown {
    return (this.#end ?? this.#endOfOther(this.#ended ?? {})).error()
  }

  #endOfOther({ cause }: { readonly cause?: unknown }): LinkEnd {
    return endOfOther(this.#reader.buffered > 0, cause)
  }

  #octetsAhead(): number {
    return this.#reader.buffered + this.socket.readableLength
  }

  #checkBody(body: Uint8Array): void {
    if (body.length >= 1 && body.length <= this.#maxFrameOctets) return
    throw new RangeError(`a frame has 1 to ${this.#maxFrameOctets} octets, not ${body.length}`)
  }

  #fail(error: unknown): void {
    this.#stop(failed(error))
  }

  #stop(end: LinkEnd): void {
    if (this.#end) return
    this.#finish(end)
    this.socket.destroy()
  }

  #finish(end: LinkEnd): void {
    this.#end = end
    this.#detach()
    const sink = this.#sink
    this.#sink = undefined
    sink?.fail(end)
    for (const settle of this.#drains) settle(end.error())
  }

  #detach(): void {
    const { socket } = this
    socket.off('data', this.#onData).off('drain', this.#onDrain)
    socket.off('end', this.#onEnd).off('close', this.#onEnd).off('error', this.#onError)
  }
}
