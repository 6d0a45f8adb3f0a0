// Rotation of 2nd seeds and EUKeys, at the PN GW: docs/protocol.md section 4.2. What a message says is on the disk before the
// message goes, so any attempt may break off anywhere: the next one offers the same new key again, and the old one works.

import type { Logger } from '@opencpns/io'
import {
  encode,
  type MessageOf,
  Result,
  type RotationConfirmation,
  RotationDone,
  RotationOffer,
  type RotationRequest,
} from '@opencpns/protocol'
import type { KeyStore } from './keystore/key-store.ts'
import type { RotatingKey, RotationStore } from './keystore/rotation-store.ts'
import type { Refused, Upstream } from './upstream/upstream.ts'

const ROTATE_AFTER_MS = 90 * 24 * 3_600_000
const LOOK_INTERVAL_MS = 60_000
/** Offers that are made at once; the others wait. Each is two writes to the disk and a question to the server. */
const OFFERS_MAX = 8

interface RotationsOptions {
  readonly keys: Pick<KeyStore, 'find'>
  readonly store: RotationStore
  readonly upstream: Pick<Upstream, 'renewKey' | 'confirmKey' | 'retireKey'>
  /** The newest generation of the 1st seed, as far as the server has told. */
  readonly generation: () => number | undefined
  readonly logger: Logger
  /** Keys older than this are rotated. */
  readonly rotateAfterMs?: number | undefined
  /** Told of each rotation that was done or refused. */
  readonly onOutcome?: ((result: 'success' | 'refused') => void) | undefined
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined
}

/** A presence session of the local case. */
export interface RotatingSession {
  /** By which the PNE has authenticated. */
  readonly secondSeed: Uint8Array
  send(body: Uint8Array): unknown
}

/** What a PNE may say of rotation in its presence. */
export interface RotationDialogue {
  /** Never rejects. */
  receive(message: MessageOf<typeof RotationRequest> | RotationConfirmation): Promise<void>
  end(): void
}

/** `waiting`: to be looked at. `offered`: the PNE has the new key, or is about to. `over`: for this session, unless the PNE asks. */
interface Session extends RotatingSession {
  state: 'waiting' | 'offering' | 'offered' | 'over'
}

export class Rotations {
  readonly #options: RotationsOptions
  readonly #now: () => number
  readonly #sessions = new Set<Session>()
  readonly #due = new Set<Session>()
  readonly #timer: NodeJS.Timeout
  #offers = 0
  #reporting: Promise<void> | undefined
  #closed = false

  constructor(options: RotationsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#timer = setInterval(() => this.look(), LOOK_INTERVAL_MS).unref()
  }

  /** A PNE is present in the local case: its key is rotated when that is due. */
  begin(of: RotatingSession): RotationDialogue {
    const session: Session = { secondSeed: of.secondSeed, send: of.send, state: 'waiting' }
    this.#sessions.add(session)
    this.#lookAt(session)
    return {
      receive: (message) =>
        message.type === 'RotationRequest' ? this.#asked(session) : this.#confirmed(session, message),
      end: () => {
        this.#sessions.delete(session)
        this.#due.delete(session)
      },
    }
  }

  /** An operator wants the key of this PNE rotated: in the session that is open, or else in the next one. Never throws. */
  askedFor(pneId: string): void {
    const asked = this.#safely(() => this.#options.store.ask(pneId)) ?? []
    for (const secondSeed of asked) {
      for (const session of this.#sessions) {
        if (Buffer.compare(session.secondSeed, secondSeed) === 0) void this.#asked(session)
      }
    }
  }

  /** Looks which keys are due: at each policy of the server, at each connection to it, and once a minute. */
  look(): void {
    for (const session of this.#sessions) this.#lookAt(session)
  }

  /** There is a connection to the server: what waited for it goes on. */
  connected(): void {
    void this.report()
    this.look()
  }

  /** A PNE has authenticated with this key in the local case: the one that it replaces is retired. Never throws. */
  used(secondSeed: Uint8Array): void {
    if (!this.#options.keys.find(secondSeed)?.replaces) return
    this.#safely(() => this.#options.store.retireReplacedBy(secondSeed))
    void this.report()
  }

  /** The server has authenticated a PNE with this key, so it is active: if it is a new one of ours, here too. Never throws. */
  vouched(secondSeed: Uint8Array): void {
    this.#safely(() => this.#options.store.activate(secondSeed))
  }

  /** Tells the server of retired keys that it has not heard of; what it does not hear now, it hears at the next connection. */
  report(): Promise<void> {
    this.#reporting ??= this.#report().finally(() => {
      this.#reporting = undefined
    })
    return this.#reporting
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#sessions.clear()
    this.#due.clear()
  }

  #lookAt(session: Session): void {
    if (session.state !== 'waiting') return
    const key = this.#safely(() => this.#options.store.find(session.secondSeed))
    if (key && this.#isDue(key)) this.#enqueue(session)
  }

  /** A key that has a successor already was used again: the PNE has not heard all of it. Older gateways knew no generation but 1. */
  #isDue({ createdAt, generation = 1, successor, asked }: RotatingKey): boolean {
    const { generation: newest, rotateAfterMs = ROTATE_AFTER_MS } = this.#options
    return asked || successor !== undefined || generation < (newest() ?? 0) || this.#now() - createdAt > rotateAfterMs
  }

  async #asked(session: Session): Promise<void> {
    if (session.state !== 'offering') this.#enqueue(session)
  }

  #enqueue(session: Session): void {
    session.state = 'waiting'
    this.#due.add(session)
    this.#next()
  }

  #next(): void {
    for (const session of this.#due) {
      if (this.#offers >= OFFERS_MAX) return
      this.#due.delete(session)
      this.#offers++
      void this.#attempt(session).finally(() => {
        this.#offers--
        this.#next()
      })
    }
  }

  async #attempt(session: Session): Promise<void> {
    session.state = 'offering'
    try {
      session.state = await this.#offer(session)
    } catch (error) {
      session.state = 'waiting'
      this.#fault(error)
    }
  }

  /** From the new 2nd seed to the offer. */
  async #offer(session: Session): Promise<Session['state']> {
    const { store, upstream } = this.#options
    const { secondSeed: old } = session

    // The new 2nd seed, stored with the old one: an earlier attempt may have made it.
    if (this.#options.keys.find(old)?.replaces) store.retireReplacedBy(old)
    const secondSeed = store.begin(old)
    if (!secondSeed) return 'over'

    // KeyAssignmentRequest, unless the new key is active already. Asked again, the server answers the same.
    if (!store.find(old)?.successor?.active) {
      const assigned = await upstream.renewKey(secondSeed, old)
      if (assigned.result !== Result.success) return this.#refused(session, assigned)
      if (this.#closed || !store.storeSuccessor(old, secondSeed, assigned)) return 'over'
    }

    // RotationOffer.
    const euKey = store.euKeyOf(secondSeed)
    if (!euKey || !this.#sessions.has(session)) return 'over'
    session.send(encode(RotationOffer, { secondSeed, euKey }))
    return 'offered'
  }

  /** From RotationConfirmation to RotationDone. The new key must be the one that the gateway offers. */
  async #confirmed(session: Session, { secondSeed }: RotationConfirmation): Promise<void> {
    const { store, upstream, logger } = this.#options
    // A copy: what was received is a view of a larger buffer.
    const confirmed = Uint8Array.from(secondSeed)
    try {
      const { successor } = store.find(session.secondSeed) ?? {}
      if (!successor || Buffer.compare(successor.secondSeed, confirmed) !== 0) return

      // KeyConfirmationRequest: first the server lets it in, and then this gateway.
      if (!successor.active) {
        const answer = await upstream.confirmKey(confirmed)
        if (answer.result !== Result.success) {
          session.state = this.#refused(session, answer)
          return
        }
        if (this.#closed) return
        store.activate(confirmed)
      }

      // RotationDone: the old key stays active until the new one was used.
      session.state = 'over'
      session.send(encode(RotationDone, { secondSeed: confirmed }))
      this.#options.onOutcome?.('success')
      logger.info({ event: 'rotation', result: 'success' }, 'a PNE has a new key')
    } catch (error) {
      session.state = 'waiting'
      this.#fault(error)
    }
  }

  /** A server that is away or busy is asked again, one that refuses only in another session. */
  #refused(session: Session, { result, reason }: Refused): Session['state'] {
    const later = result === Result.serverUnreachable || result === Result.busy
    const { logger, onOutcome } = this.#options
    if (!later) onOutcome?.('refused')
    if (this.#sessions.has(session)) {
      logger[later ? 'debug' : 'warn']({ event: 'rotation', result: 'refused', reason }, 'a key was not rotated')
    }
    return later ? 'waiting' : 'over'
  }

  async #report(): Promise<void> {
    const { store, upstream, logger } = this.#options
    try {
      for (const secondSeed of store.retired()) {
        const { result, ...answer } = await upstream.retireKey(secondSeed)
        if (result === Result.serverUnreachable || result === Result.busy || this.#closed) return
        if (result !== Result.success)
          logger.warn({ event: 'rotation', result: 'not-retired', ...answer }, 'the server kept an old key')
        store.forgetRetired(secondSeed)
      }
    } catch (error) {
      this.#fault(error)
    }
  }

  #safely<T>(act: () => T): T | undefined {
    try {
      return act()
    } catch (error) {
      this.#fault(error)
      return undefined
    }
  }

  /** A gateway that has closed has also closed its database. */
  #fault(err: unknown): void {
    if (!this.#closed)
      this.#options.logger.error({ event: 'fault', err }, 'a rotation could not go on: it is tried again')
  }
}
