// Frames that leave together: one write, and so one TLS record.

import { PREFIX_OCTETS, writeFrame } from './frames.ts'

export class Batch {
  #bodies: Uint8Array[] = []
  #octets = 0

  /** What `take` would give, in octets. */
  get octets(): number {
    return this.#octets
  }

  /** @returns how many there are now */
  add(body: Uint8Array): number {
    this.#octets += PREFIX_OCTETS + body.length
    return this.#bodies.push(body)
  }

  /** Takes out all frames, each with its prefix, in one buffer. */
  take(): Buffer {
    const octets = Buffer.allocUnsafe(this.#octets)
    let at = 0
    for (const body of this.#bodies) at = writeFrame(octets, at, body)
    this.#bodies = []
    this.#octets = 0
    return octets
  }
}
