// Frames of docs/protocol.md section 3: a length N in 4 octets, big-endian, then N octets. Octets in, frames out; no I/O.
// A frame that came whole is a view of what was received; only one that the network cut is copied, each octet once.

import { IoError } from './errors.ts'

export const PREFIX_OCTETS = 4
const NOTHING = Buffer.alloc(0)

/** A frame, prefix and body, in one buffer. */
export function frameOf(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_OCTETS + body.length)
  writeFrame(frame, 0, body)
  return frame
}

/** Writes prefix and body at `at`; gives the place after them. */
export function writeFrame(into: Buffer, at: number, body: Uint8Array): number {
  const start = into.writeUInt32BE(body.length, at)
  into.set(body, start)
  return start + body.length
}

/** Puts frames together from chunks of any size. After an error it is of no further use. */
export class FrameReader {
  readonly #maxFrameOctets: number
  #chunk: Buffer = NOTHING
  #cut: Buffer = NOTHING // the start of a frame that the end of a chunk cut; `#have` octets of it are there
  #have = 0

  /** @param maxFrameOctets the largest body */
  constructor(maxFrameOctets: number) {
    this.#maxFrameOctets = maxFrameOctets
  }

  /** Octets received that no `next` has given yet. */
  get buffered(): number {
    return this.#have + this.#chunk.length
  }

  /** Takes out what no `next` has given. */
  rest(): Buffer {
    const rest = this.#have === 0 ? this.#chunk : Buffer.concat([this.#cut.subarray(0, this.#have), this.#chunk])
    this.#chunk = NOTHING
    this.#have = 0
    return rest
  }

  push(chunk: Buffer): void {
    this.#chunk = this.#chunk.length === 0 ? chunk : Buffer.concat([this.#chunk, chunk])
  }

  /**
   * The next whole frame, with its prefix, or undefined when more octets must come first.
   * @throws {IoError} FRAME_TOO_LARGE, FRAME_EMPTY: as soon as the prefix is there
   */
  next(): Buffer | undefined {
    if (this.#have > 0) return this.#complete()
    const chunk = this.#chunk
    const end = chunk.length < PREFIX_OCTETS ? PREFIX_OCTETS : PREFIX_OCTETS + this.#bodyOctets(chunk)
    if (chunk.length < end) {
      this.#take(chunk.length, end)
      return undefined
    }
    this.#chunk = chunk.length === end ? NOTHING : chunk.subarray(end)
    return chunk.length === end ? chunk : chunk.subarray(0, end)
  }

  #complete(): Buffer | undefined {
    this.#take(PREFIX_OCTETS - this.#have, PREFIX_OCTETS)
    if (this.#have < PREFIX_OCTETS) return undefined
    const end = PREFIX_OCTETS + this.#bodyOctets(this.#cut)
    this.#take(end - this.#have, end)
    if (this.#have < end) return undefined
    const frame = this.#cut.subarray(0, end)
    this.#cut = NOTHING
    this.#have = 0
    return frame
  }

  /** Moves up to `count` octets from the chunk to the cut frame, which will have `end` octets. */
  #take(count: number, end: number): void {
    const octets = Math.min(count, this.#chunk.length)
    if (octets <= 0) return
    this.#reserve(this.#have + octets, end)
    this.#chunk.copy(this.#cut, this.#have, 0, octets)
    this.#have += octets
    this.#chunk = octets === this.#chunk.length ? NOTHING : this.#chunk.subarray(octets)
  }

  /** A claimed length costs no memory until its octets come: the room doubles as they do. */
  #reserve(octets: number, end: number): void {
    if (octets <= this.#cut.length) return
    const room = Buffer.allocUnsafe(Math.min(end, Math.max(octets, 2 * this.#cut.length, 64)))
    this.#cut.copy(room, 0, 0, this.#have)
    this.#cut = room
  }

  #bodyOctets(frame: Buffer): number {
    const octets = frame.readUInt32BE()
    if (octets === 0) throw new IoError('FRAME_EMPTY', 'a frame of no octets')
    if (octets <= this.#maxFrameOctets) return octets
    throw new IoError('FRAME_TOO_LARGE', `a frame of ${octets} octets, where at most ${this.#maxFrameOctets} may come`)
  }
}
