// A device's presence, kept up for as long as the device runs: at the first gateway that takes it, again after every loss.
// Nothing that a gateway says, or somebody in its name, makes it give up or change anything.

import { type Address, sleep } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'
import { connect } from '../connect.ts'
import type { Credential } from '../credential.ts'
import { PneError } from '../errors.ts'
import type { Session } from '../session.ts'
import type { TransientKeys } from '../transientKeys.ts'
import type { DeviceEvent } from './events.ts'
import { Pauses } from './pauses.ts'

/** Enough for an answer of a gateway that is there; far less than the 75 s after which silence tells. */
const PROBE_MS = 5000
/** How long a local connection waits for a presence that is about to be: longer than a device pauses after a loss. */
const HERE_MS = 15_000

/** Addresses in order of preference, or who finds them: asked anew before each round of attempts. */
export type Gateways = readonly Address[] | ((signal: AbortSignal) => Promise<readonly Address[]>)

interface PresenceOptions {
  readonly credential: Credential
  readonly gateways: Gateways
  readonly transientKeys: TransientKeys
  readonly onEvent: (event: DeviceEvent) => void
  readonly random?: (() => number) | undefined
  readonly tracer?: Tracer | undefined
}

interface Place {
  readonly at: Address
  readonly session: Session
}

export class Presence {
  readonly #options: PresenceOptions
  readonly #pauses: Pauses
  readonly #stop = new AbortController()
  readonly #waiters = new Set<() => void>()
  #pausing = new AbortController()
  #place: Place | undefined

  constructor(options: PresenceOptions) {
    this.#options = options
    this.#pauses = new Pauses(options.random)
  }

  /** Stays present until `close`. Rejects only with a bug. */
  async stay(): Promise<void> {
    while (!this.#stop.signal.aborted) await this.#pause(await this.#round())
  }

  /** The machine slept, or its network changed: asks the gateway at once, or tries again at once. */
  wake(): void {
    this.#options.onEvent({ event: 'woke' })
    this.#pausing.abort()
    this.probe()
  }

  /** A presence that does not answer soon is lost. */
  probe(): void {
    this.#place?.session.probe(PROBE_MS)
  }

  /**
   * Where the device is present; waits a while for a presence that is about to be.
   * @throws {PneError} UNREACHABLE; the reason of `signal`, when it aborts
   */
  async here(signal: AbortSignal): Promise<Address> {
    if (!this.#place) await this.#soon(signal)
    signal.throwIfAborted()
    if (this.#place) return this.#place.at
    throw new PneError('UNREACHABLE', 'the device is at no gateway now: it tries again and again')
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#pausing.abort()
    await this.#place?.session.close()
  }

  /** Tries each gateway once, and stays at the first that takes the device. @returns how long to wait then */
  async #round(): Promise<number> {
    const failures: PneError[] = []
    for (const at of await this.#find()) {
      const session = await this.#attempt(at, failures)
      if (session) return await this.#hold({ at, session })
      if (this.#stop.signal.aborted) break
    }
    return this.#pauses.afterFailures(failures)
  }

  async #find(): Promise<readonly Address[]> {
    const { gateways, onEvent } = this.#options
    if (typeof gateways !== 'function') return gateways
    try {
      const found = await gateways(this.#stop.signal)
      if (found.length === 0) onEvent({ event: 'none-found' })
      return found
    } catch (error) {
      if (!this.#stop.signal.aborted) onEvent({ event: 'none-found', error })
      return []
    }
  }

  async #attempt(at: Address, failures: PneError[]): Promise<Session | undefined> {
    const { credential, transientKeys, onEvent, tracer } = this.#options
    const { signal } = this.#stop
    let session: Session | undefined
    // The old key is retired only when the new one was used.
    const onRotated = () => void session?.close()
    try {
      session = await connect({ ...at, credential, transientKeys, signal, onRotated, tracer })
      return session
    } catch (error) {
      if (signal.aborted) return undefined
      if (!(error instanceof PneError)) throw error
      failures.push(error)
      onEvent({ event: 'failed', at, error })
      return undefined
    }
  }

  async #hold(place: Place): Promise<number> {
    const { onEvent } = this.#options
    const { at, session } = place
    const { facts } = session
    const since = performance.now()
    this.#place = place
    if (this.#stop.signal.aborted) await session.close()
    onEvent({ event: 'connected', at, facts })
    for (const arrived of this.#waiters) arrived()
    const reason = await session.closed
    this.#place = undefined
    onEvent({ event: 'disconnected', at, gateway: facts.gateway, reason })
    return this.#pauses.afterSession(reason, performance.now() - since)
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#options.onEvent({ event: 'waiting', ms })
    this.#pausing = new AbortController()
    await sleep(ms, this.#pausing).catch(() => {})
  }

  /** Until there is a presence, or HERE_MS have passed, or the signal aborts. */
  async #soon(signal: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const end = () => waiting.abort()
    this.#waiters.add(end)
    signal.addEventListener('abort', end, { once: true })
    await sleep(HERE_MS, waiting).catch(() => {})
    signal.removeEventListener('abort', end)
    this.#waiters.delete(end)
  }
}
