// The bus of servers in one process, and of a server that has no others.
import { type Bus, type BusMessage, Listeners } from './bus.ts'

export class Hub {
  readonly #members = new Set<Listeners>()

  /** A member hears what the others publish, after the call that published it has ended. */
  join(): Bus {
    const own = new Listeners()
    this.#members.add(own)
    return {
      publish: (message: BusMessage) => {
        for (const other of this.#members) if (other !== own) setImmediate(() => other.tell(message))
      },
      subscribe: (listener) => own.add(listener),
      close: async () => {
        this.#members.delete(own)
        own.clear()
      },
    }
  }
}
