// A bound on the connections that have not authenticated yet (docs/protocol.md section 8). When one more comes, the oldest
// gives way: so those who connect and say nothing cannot keep others out.

import type { Duplex } from 'node:stream'

/** A place among the connections that are not authenticated yet. */
export interface AdmissionTicket {
  /** The connection has authenticated, or ended: its place is free. May be called again. */
  done(): void
}

export class Admission {
  readonly #max: number
  readonly #waiting = new Set<Duplex>() // the oldest first
  #displaced = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Connections that hold a place now. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Connections that had to give way so far. */
  get displaced(): number {
    return this.#displaced
  }

  /** Gives the connection a place; the oldest is destroyed when there is none. The place is free again at its 'close'. */
  admit(socket: Duplex): AdmissionTicket {
    const done = () => {
      this.#waiting.delete(socket)
      socket.off('close', done)
    }
    if (this.#waiting.size >= this.#max) this.#displaceOldest()
    this.#waiting.add(socket)
    socket.once('close', done)
    return { done }
  }

  #displaceOldest(): void {
    for (const oldest of this.#waiting) {
      this.#waiting.delete(oldest)
      this.#displaced++
      oldest.destroy()
      return
    }
  }
}
