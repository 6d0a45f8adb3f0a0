// Presence: a session without a service stays open, and Pings keep it so (docs/protocol.md section 4.2). One timer serves all.

import type { FrameLink } from '@opencpns/io'
import { decode, encode, PING_INTERVAL_MS, Ping, Pong, RotationConfirmation, RotationRequest } from '@opencpns/protocol'
import type { RotationDialogue } from './rotation.ts'

const SILENCE_MAX_MS = 75_000
const SWEEP_INTERVAL_MS = 1000
const PING = encode(Ping, {})
const PONG = encode(Pong, {})

interface Presence {
  readonly link: FrameLink
  readonly rotation: RotationDialogue | undefined
  lastSentAt: number
}

export class PresenceKeeper {
  readonly #presences = new Set<Presence>()
  readonly #timer: NodeJS.Timeout
  readonly #now: () => number

  /** @param now milliseconds since any moment */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#timer = setInterval(() => this.sendPings(), SWEEP_INTERVAL_MS).unref()
  }

  /**
   * Resolves when the PNE has ended the session, or `close` was called on the link.
   * @param rotation  of a session of the local case
   * @throws {IoError} the link failed or was silent for 75 s; {ProtocolError} a message that does not belong here
   */
  async hold(link: FrameLink, rotation?: RotationDialogue): Promise<void> {
    const presence: Presence = { link, rotation, lastSentAt: this.#now() }
    this.#presences.add(presence)
    try {
      await link.frames((body) => this.#receive(presence, body), { idleMs: SILENCE_MAX_MS })
    } finally {
      this.#presences.delete(presence)
    }
  }

  /** A Ping to each PNE that has heard nothing for 30 s. */
  sendPings(): void {
    const now = this.#now()
    for (const presence of this.#presences) {
      if (now - presence.lastSentAt < PING_INTERVAL_MS) continue
      presence.lastSentAt = now
      presence.link.sendSoon(PING)
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #receive(presence: Presence, body: Buffer): Promise<void> | undefined {
    const { rotation } = presence
    const message = rotation
      ? decode(body, Ping, Pong, RotationRequest, RotationConfirmation)
      : decode(body, Ping, Pong)
    if (message.type === 'Pong') return undefined
    if (message.type !== 'Ping') return rotation?.receive(message)
    presence.lastSentAt = this.#now()
    presence.link.sendSoon(PONG)
    return undefined
  }
}
