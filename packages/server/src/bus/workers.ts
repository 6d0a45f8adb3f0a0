// The bus of a server with several processes: each speaks with the primary, which passes on to all others (node:cluster).
import type { Worker } from 'node:cluster'
import { type Bus, type BusMessage, Listeners } from './bus.ts'

/** A message between two processes of a server that belongs to the bus. */
interface Envelope {
  readonly bus: BusMessage
}

/** What a process can be told by another one: `process` in a worker. */
export interface Channel {
  send?: ((message: object, handle: undefined, options: undefined, done: () => void) => boolean) | undefined
  on(event: 'message', listener: (message: unknown) => void): unknown
  off(event: 'message', listener: (message: unknown) => void): unknown
  readonly connected: boolean
}

/** In a worker. @param channel  to the primary */
export function workerBus(channel: Channel): Bus {
  const listeners = new Listeners()
  const receive = (message: unknown) => {
    if (isEnvelope(message)) listeners.tell(message.bus)
  }
  channel.on('message', receive)
  return {
    publish: (bus) => {
      if (channel.connected) channel.send?.({ bus } satisfies Envelope, undefined, undefined, ignore)
    },
    subscribe: (listener) => listeners.add(listener),
    close: async () => {
      channel.off('message', receive)
      listeners.clear()
    },
  }
}

/** In the primary. @param workers  those that are there now */
export class PrimaryBus implements Bus {
  readonly #workers: () => Iterable<Worker>
  readonly #listeners = new Listeners()

  constructor(workers: () => Iterable<Worker>) {
    this.#workers = workers
  }

  publish(message: BusMessage): void {
    this.#passOn(message)
  }

  subscribe(listener: (message: BusMessage) => void): () => void {
    return this.#listeners.add(listener)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  /** A worker said something. False when it is not of the bus. */
  receive(from: Worker, message: unknown): boolean {
    if (!isEnvelope(message)) return false
    this.#passOn(message.bus, from)
    this.#listeners.tell(message.bus)
    return true
  }

  #passOn(bus: BusMessage, except?: Worker): void {
    for (const worker of this.#workers()) {
      if (worker !== except) tellWorker(worker, { bus } satisfies Envelope)
    }
  }
}

/** One that has died a moment ago, and of which nobody has heard yet, hears nothing; that it ended is told in its own time. */
export function tellWorker(worker: Pick<Worker, 'isConnected' | 'send'>, message: object): void {
  // Without a callback the failure would be an error event of the worker, and end the primary.
  if (worker.isConnected()) worker.send(message, undefined, undefined, ignore)
}

function ignore(): void {}

function isEnvelope(message: unknown): message is Envelope {
  return typeof message === 'object' && message !== null && 'bus' in message
}
