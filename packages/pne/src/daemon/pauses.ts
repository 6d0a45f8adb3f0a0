// How long a device waits before it tries again. Many devices may have lost the same gateway at the same moment, so every
// pause is a random part of a ceiling: full jitter.

import { type BackoffOptions, backoff, IoError } from '@opencpns/io'
import type { PneError } from '../errors.ts'
import type { Closed } from '../session.ts'

/** After a session that was lost. All devices of a gateway that restarts come back spread over so long. */
const LOST = { minMs: 10_000, maxMs: 10_000 }
/** Nobody answered. */
const AWAY = { minMs: 1000, maxMs: 30_000 }
/** A gateway is there, and has no time: more attempts would make it worse. */
const CROWDED = { minMs: 10_000, maxMs: 30_000 }
/** The gateway did not want this device: likely to stay so, but a forged refusal must not cost minutes. */
const REFUSED = { minMs: 2000, maxMs: 300_000 }
/** A session that lasted so long was a good one: whatever went wrong before is forgotten. */
const STEADY_MS = 20_000

/** Codes by which a gateway, or somebody who speaks in its name, turned the device away. */
const refusals: ReadonlySet<string> = new Set(['AUTHENTICATION_FAILED', 'UNSUPPORTED_VERSION', 'PROTOCOL_VIOLATION'])
/** Codes of a gateway that has too much to do. */
const signsOfCrowd: ReadonlySet<string> = new Set(['BUSY', 'DEADLINE_EXCEEDED'])
/** Ends of a session after which coming back at once would not help. `replaced`: another runs with this credential. */
const dismissals: ReadonlySet<Closed> = new Set(['revoked', 'replaced', 'violation'])

export class Pauses {
  readonly #lost
  readonly #away
  readonly #crowded
  readonly #refused

  /** @param random gives numbers from 0 (inclusive) to 1 (exclusive) */
  constructor(random?: BackoffOptions['random']) {
    this.#lost = backoff({ ...LOST, random })
    this.#away = backoff({ ...AWAY, random })
    this.#crowded = backoff({ ...CROWDED, random })
    this.#refused = backoff({ ...REFUSED, random })
  }

  /** Milliseconds to wait after a session that ended so, and had lasted so long. */
  afterSession(reason: Closed, lastedMs: number): number {
    const steady = lastedMs >= STEADY_MS
    if (steady) this.#forget()
    if (dismissals.has(reason)) return this.#refused.next()
    if (steady) this.#refused.reset()
    return steady ? this.#lost.next() : Math.max(this.#lost.next(), this.#away.next())
  }

  /** Milliseconds to wait after a round of attempts, each of which failed. None: there was no gateway to try. */
  afterFailures(errors: readonly PneError[]): number {
    const refused = errors.length > 0 && errors.every(({ code }) => refusals.has(code))
    if (refused) return this.#refused.next()
    return errors.some(isCrowd) ? this.#crowded.next() : this.#away.next()
  }

  #forget(): void {
    this.#away.reset()
    this.#crowded.reset()
  }
}

/** Also a connection that was made and then ended before an answer came: that is how a gateway sheds load. */
function isCrowd({ code, cause }: PneError): boolean {
  const ended = cause instanceof IoError && cause.code !== 'UNREACHABLE'
  return signsOfCrowd.has(code) || (code === 'UNREACHABLE' && ended)
}
