// Registers PNEs in the PN of this gateway: notes each presence session that begins or ends, in order, for the server. What
// happens within 20 ms shares one write to the disk, so thousands that come back at once do not hold up the rest. A crash may
// lose the beginning of a session from those 20 ms, with the session itself.

import type { Logger } from '@opencpns/io'
import type { Outbox, PresenceFact, PresenceSession, ReportBatch } from './keystore/outbox.ts'

const WRITE_AFTER_MS = 20
const RETRY_AFTER_MS = 1000
/** Facts in one write: it holds up the event loop for some 10 microseconds each. */
const BATCH = 1000
/** Facts that may wait while the disk refuses to take them. */
const WAITING_MAX = 100_000

/** A presence session and its PNE. */
export interface RegisteredSession extends PresenceSession {
  /** Names the PNE, whichever of its keys it uses. */
  readonly pne: string
}

interface RegistrarOptions {
  readonly outbox: Outbox
  readonly logger: Logger
  /** Whether there is a server that wants to hear of it; otherwise nothing is noted. */
  readonly wanted?: boolean
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export class Registrar {
  /** Called when there are new reports on the disk. */
  onReports: () => void = () => {}
  readonly #outbox: Outbox
  readonly #logger: Logger
  readonly #now: () => number
  readonly #ends = new Map<string, () => void>()
  readonly #wanted: boolean
  #waiting: PresenceFact[] = []
  #counted: number
  #lost = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #onDelivered = () => {}

  constructor({ outbox, logger, wanted = true, now = Date.now }: RegistrarOptions) {
    this.#outbox = outbox
    this.#logger = logger
    this.#wanted = wanted
    this.#now = now
    this.#counted = outbox.counted
    const ended = outbox.endAll(now())
    if (ended > 0) logger.info({ event: 'presence-ended', count: ended }, 'sessions that a crash ended are reported')
  }

  /** Reports that the server has not counted yet. */
  get unsent(): number {
    return this.#outbox.last - this.#counted + this.#waiting.length
  }

  /** Presence sessions that are open. */
  get open(): number {
    return this.#ends.size
  }

  /** A presence session began; the function that it gives says that it ended, once. It takes the place of an older one. */
  began({ pne, ...session }: RegisteredSession): () => void {
    this.#ends.get(pne)?.()
    if (this.#wanted) this.#note({ kind: 'began', session, atMs: this.#now() })
    const ended = () => {
      if (this.#ends.get(pne) !== ended) return
      this.#ends.delete(pne)
      if (this.#wanted) this.#note({ kind: 'ended', session, atMs: this.#now() })
    }
    this.#ends.set(pne, ended)
    return ended
  }

  /** The next reports for the server, up to 64; undefined when it has them all. */
  next(): ReportBatch | undefined {
    return this.#outbox.after(this.#counted)
  }

  /** The server has counted up to this number. */
  counted(upTo: number): void {
    if (upTo <= this.#counted) return
    if (upTo > this.#outbox.last) {
      this.continueAfter(upTo)
      return
    }
    this.#counted = upTo
    this.#writeSoon()
    if (this.unsent === 0) this.#onDelivered()
    if (this.#lost === 0) return
    this.#logger.warn({ event: 'outbox-drains', lost: this.#lost }, 'the server counts again; it never heard of some')
    this.#lost = 0
  }

  /** The server counts from another place: see {@link Outbox.continueAfter}. */
  continueAfter(upTo: number): void {
    this.#logger.warn(
      { event: 'reports-renumbered', upTo },
      'the server counts reports of presence from another number',
    )
    this.flush()
    this.#outbox.continueAfter(upTo, this.#now())
    this.#counted = upTo
    this.onReports()
  }

  /** Resolves when the server has counted all reports that are there. */
  delivered(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDelivered = resolve
      if (this.unsent === 0) resolve()
    })
  }

  /** Writes all that waits. What the disk does not take is tried again. */
  flush(): void {
    do if (!this.#writeSome()) return
    while (this.#waiting.length > 0)
  }

  /** Writes what waits. Later facts are not noted any more. */
  close(): void {
    this.flush()
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #note(fact: PresenceFact): void {
    if (this.#waiting.length >= WAITING_MAX) this.#lose(1)
    else this.#waiting.push(fact)
    this.#writeSoon()
  }

  #writeSoon(afterMs = WRITE_AFTER_MS): void {
    if (!this.#closed) this.#timer ??= setTimeout(() => this.#writeSome(), afterMs).unref()
  }

  /** One transaction. False when the disk did not take it. */
  #writeSome(): boolean {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#waiting.slice(0, BATCH)
    const written = this.#write(batch)
    if (written) this.#waiting = this.#waiting.slice(batch.length)
    if (!written || this.#waiting.length > 0) this.#writeSoon(written ? 0 : RETRY_AFTER_MS)
    if (written && batch.length > 0) this.onReports()
    return written
  }

  #write(facts: readonly PresenceFact[]): boolean {
    try {
      const refused = this.#outbox.record(facts, this.#counted)
      if (refused > 0) this.#lose(refused)
      return true
    } catch (err) {
      this.#logger.error({ event: 'fault', err }, 'presence could not be noted for the server yet')
      return false
    }
  }

  #lose(count: number): void {
    if (this.#lost === 0) {
      const message = 'the outbox is full: sessions begin that the server will not hear of'
      this.#logger.error({ event: 'outbox-full', unsent: this.unsent }, message)
    }
    this.#lost += count
  }
}
