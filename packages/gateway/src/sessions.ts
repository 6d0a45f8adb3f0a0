// All connections whose PNE is known, by revocation tag: from step 2 on, so that a revocation which comes in the middle of an
// authentication ends that one too. Open sessions are counted against a bound.

import type { EndReason } from '@opencpns/protocol'

/** A connection that can be told to end: what that means depends on how far it is. */
export interface Endable {
  end(reason: EndReason): void
}

export class Sessions {
  readonly #byTag = new Map<string, Set<Endable>>()
  readonly #max: number
  #open = 0

  /** @param max open sessions at once */
  constructor(max: number) {
    this.#max = max
  }

  /** Sessions that reached step 8. */
  get open(): number {
    return this.#open
  }

  get full(): boolean {
    return this.#open >= this.#max
  }

  /** Counts an open session; the function that it returns counts it off again, once. */
  opened(): () => void {
    this.#open++
    let open = true
    return () => {
      if (open) this.#open--
      open = false
    }
  }

  /** Ties a connection to its PNE. @param tag revocation tag, 32 octets in hex */
  add(tag: string, connection: Endable): void {
    const connections = this.#byTag.get(tag)
    if (connections) connections.add(connection)
    else this.#byTag.set(tag, new Set([connection]))
  }

  delete(tag: string, connection: Endable): void {
    const connections = this.#byTag.get(tag)
    if (connections?.delete(connection) && connections.size === 0) this.#byTag.delete(tag)
  }

  /** Ends all connections of one PNE. */
  endPne(tag: string, reason: EndReason): void {
    for (const connection of [...(this.#byTag.get(tag) ?? [])]) connection.end(reason)
  }
}
