// What servers that share a store say to each other. It is fast and not certain: a message may be lost, with a connection or by
// a bound. So nothing rests on it: what must not be lost stands in the store, and a message only says to look there (follower.ts).
import type { LiveMessage } from '../live/messages.ts'

export type BusMessage =
  /** The log of changes or the revocation log has grown. */
  | { readonly type: 'changed' }
  /** What happened here, for operators who watch elsewhere. */
  | { readonly type: 'live'; readonly messages: readonly LiveMessage[] }
  /** Whoever has a link with a gateway is asked for something; all others say that they have none: inquiries.ts. */
  | { readonly type: 'ask' | 'answer' | 'absent'; readonly id: string; readonly sealed: string }

export type BusListener = (message: BusMessage) => void

export interface Bus {
  /** To all other servers. Never throws; a message that cannot be sent is dropped. */
  publish(message: BusMessage): void
  /** Hears what others publish. Gives what ends it. */
  subscribe(listener: BusListener): () => void
  /** Idempotent. */
  close(): Promise<void>
}

/** The listeners of one server. */
export class Listeners {
  readonly #listeners = new Set<BusListener>()

  add(listener: BusListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(message: BusMessage): void {
    for (const listener of this.#listeners) listener(message)
  }

  clear(): void {
    this.#listeners.clear()
  }
}
