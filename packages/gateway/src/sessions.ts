// All connections whose PNE is known, by revocation tag: from step 2 on, so that a revocation which comes in the middle of an
// authentication ends that one too. Open sessions are counted against a bound for all and one for each PNE.

import { EndReason, Result } from '@opencpns/protocol'
import { Refusal } from './refusal.ts'

/** A connection that can be told to end: what that means depends on how far it is. */
export interface Endable {
  end(reason: EndReason): void
}

/** A session that is about to open. */
interface NewSession {
  /** Names the PNE, whichever of its keys it uses. */
  readonly pne: string
  /** Whether it is for no service: a PNE has one presence here. */
  readonly presence: boolean
  /** Sessions that this PNE may have at once; undefined for as many as there is room for. */
  readonly max: number | undefined
}

interface SessionsOfPne {
  open: number
  presence: { readonly connection: Endable; readonly close: () => void } | undefined
}

export class Sessions {
  readonly #byTag = new Map<string, Set<Endable>>()
  readonly #byPne = new Map<string, SessionsOfPne>()
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

  /**
   * Counts a session of an authenticated PNE; the function that it returns counts it off again, once. A presence takes the
   * place of an older one of the same PNE, which is told so.
   * @throws {Refusal} busy: a bound is reached
   */
  begin({ pne, presence, max = Number.POSITIVE_INFINITY }: NewSession, connection: Endable): () => void {
    const mine = this.#byPne.get(pne) ?? { open: 0, presence: undefined }
    const replaced = presence ? mine.presence : undefined
    const freed = replaced ? 1 : 0
    if (this.#open - freed >= this.#max) throw new Refusal(Result.busy, 'sessions-full')
    if (mine.open - freed >= max) throw new Refusal(Result.busy, 'pne-sessions-full')
    replaced?.close()
    replaced?.connection.end(EndReason.replaced)
    this.#byPne.set(pne, mine)
    this.#open++
    mine.open++
    let open = true
    const close = () => {
      if (!open) return
      open = false
      this.#open--
      mine.open--
      if (mine.presence?.close === close) mine.presence = undefined
      if (mine.open === 0) this.#byPne.delete(pne)
    }
    if (presence) mine.presence = { connection, close }
    return close
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
