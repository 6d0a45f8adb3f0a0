// The transcript of a link in the clear (docs/protocol.md section 5): every frame, both ways, in their order, each with its prefix.

import { hash } from 'node:crypto'

export const TRANSCRIPT_MAX_OCTETS = 256 * 1024

/** Keeps the frames and hashes them at once: a hash object for each link costs more than all the rest. */
export class Transcript {
  readonly #frames: Buffer[] = []
  #octets = 0

  /** @returns false: with these it would be longer than 256 KiB, and it is of no further use */
  add(frames: Buffer): boolean {
    this.#octets += frames.length
    if (this.#octets > TRANSCRIPT_MAX_OCTETS) return false
    this.#frames.push(frames)
    return true
  }

  /** SHA-256, 32 octets. */
  hash(): Buffer {
    return hash('sha256', Buffer.concat(this.#frames), 'buffer')
  }
}
