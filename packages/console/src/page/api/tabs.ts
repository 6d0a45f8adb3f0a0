// What one tab of a browser does for all of them: the tab that holds a lock leads, and tells the others what it hears. When it is
// closed, or falls silent, another takes its place. Without locks, which plain http from another machine does not have, each
// tab does it for itself.

/** A sign of life comes to the others at least as often; whoever hears nothing for longer takes the lead. */
const SILENCE_MS = 50_000

interface Sharing<T> {
  /** Works until the signal is aborted. It tells something now and then. */
  lead(stopping: AbortSignal): Promise<void>
  /** What another tab told. */
  hear(message: T): void
}

export interface Shared<T> {
  /** To all other tabs. */
  tell(message: T): void
  stop(): void
}

/** @param name the same for those who share */
export function share<T>(name: string, { lead, hear }: Sharing<T>): Shared<T> {
  const stopping = new AbortController()
  if (!('locks' in navigator)) {
    void lead(stopping.signal)
    return { tell: () => {}, stop: () => stopping.abort() }
  }
  const channel = new BroadcastChannel(name)
  const candidate = new Candidate(name, lead, stopping.signal)
  channel.addEventListener('message', ({ data }) => {
    candidate.noteLife()
    hear(data)
  })
  void candidate.run()
  return {
    tell: (message) => channel.postMessage(message),
    stop: () => {
      stopping.abort()
      channel.close()
    },
  }
}

/** Waits for the lock, and takes it from a leader that is silent: one whose tab the browser has put to sleep. */
class Candidate {
  readonly #name: string
  readonly #lead: (stopping: AbortSignal) => Promise<void>
  readonly #stopping: AbortSignal
  #timer: ReturnType<typeof setTimeout> | undefined
  #patience = new AbortController()

  constructor(name: string, lead: (stopping: AbortSignal) => Promise<void>, stopping: AbortSignal) {
    this.#name = name
    this.#lead = lead
    this.#stopping = stopping
  }

  async run(): Promise<void> {
    while (!this.#stopping.aborted) {
      const takesIt = this.#patience.signal.aborted
      this.#patience = new AbortController()
      const waiting = AbortSignal.any([this.#stopping, this.#patience.signal])
      this.noteLife()
      const own = new AbortController()
      const lead = () => {
        clearTimeout(this.#timer)
        return this.#lead(AbortSignal.any([this.#stopping, own.signal]))
      }
      try {
        await navigator.locks.request(this.#name, takesIt ? { steal: true } : { signal: waiting }, lead)
      } catch {
        // It waits no longer, or another tab has taken the lock.
      }
      own.abort()
    }
    clearTimeout(this.#timer)
  }

  noteLife(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#patience.abort(), SILENCE_MS)
  }
}
