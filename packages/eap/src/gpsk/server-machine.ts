// The server of EAP-GPSK as a state machine, for a process that sees the whole conversation: RFC 5433 section 10, on the
// functions of server.ts. Leaves out retransmission, which is the authenticator's (RFC 3748 section 4.3).

import { randomBytes } from 'node:crypto'
import { EapError, FailureCode } from '../errors.ts'
import { attempt, type EapMethod, type Step, unexpected } from '../method.ts'
import { Code, decodePacket, failure, nextIdentifier, success, Type, type TypedPacket } from '../packet.ts'
import { type AwaitedGpsk4, awaitGpsk4 } from './awaited.ts'
import { CIPHERSUITES } from './ciphersuite.ts'
import { parseFail, parseProtectedFail, refusedWith, writeFail, writeProtectedFail } from './failures.ts'
import type { GpskKeys } from './keys.ts'
import { type Gpsk1, OpCode, opCodeOf, RAND_OCTETS } from './messages.ts'
import { parseGpsk2, verifyGpsk2, verifyGpsk4, writeGpsk1, writeGpsk3 } from './server.ts'

export interface GpskServerOptions {
  /** ID_Server, 1 to 253 octets. */
  readonly idServer: string | Uint8Array
  /** The PSK of a peer, or undefined for one that is not known. */
  readonly findPsk: (idPeer: Uint8Array) => Uint8Array | undefined
  /** Whether a peer that proved its identity may come in. Everybody, by default. */
  readonly authorize?: (idPeer: Uint8Array) => boolean
  /** CSuite_List, best first. */
  readonly csuites?: readonly number[]
  /** Of GPSK-1: after EAP-Response/Identity, the next one. Random by default. */
  readonly identifier?: number
  readonly random?: (octets: number) => Uint8Array
  /** For the whole conversation. */
  readonly timeoutMs?: number
}

/** `refusal` is what an unacceptable GPSK-2 becomes; the other events are what came. */
export const SERVER_TRANSITIONS = {
  idle: { start: 'sentGpsk1' },
  sentGpsk1: { gpsk2: 'sentGpsk3', refusal: 'sentFail', nak: 'failed', timeout: 'failed' },
  sentGpsk3: { gpsk4: 'succeeded', timeout: 'failed' },
  sentFail: { fail: 'failed', protectedFail: 'failed', timeout: 'failed' },
  succeeded: {},
  failed: {},
} as const

type State = keyof typeof SERVER_TRANSITIONS
type Event = 'start' | 'gpsk2' | 'refusal' | 'gpsk4' | 'nak' | 'fail' | 'protectedFail' | 'timeout'
type Received = 'gpsk2' | 'gpsk4' | 'nak' | 'fail' | 'protectedFail'

const NEXT: Record<State, Partial<Record<Event, State>>> = SERVER_TRANSITIONS

const RECEIVED_BY_OP_CODE: Readonly<Record<number, Received>> = {
  [OpCode.Gpsk2]: 'gpsk2',
  [OpCode.Gpsk4]: 'gpsk4',
  [OpCode.Fail]: 'fail',
  [OpCode.ProtectedFail]: 'protectedFail',
}

/** One conversation with one peer. `start` gives GPSK-1; then each EAP-Response goes to `receive`. */
export class GpskServer implements EapMethod {
  readonly #options: Required<Pick<GpskServerOptions, 'findPsk' | 'authorize' | 'timeoutMs'>>
  readonly #issued: Gpsk1
  readonly #gpsk1: Buffer
  readonly #on: Record<Received, (packet: Uint8Array) => Step>
  #state: State = 'idle'
  #identifier: number
  #deadline: number | undefined
  #keys: GpskKeys | undefined
  #awaited: AwaitedGpsk4 | undefined
  #refusal: EapError | undefined

  /** @throws {RangeError} `idServer`, `csuites` or `identifier` out of their bounds */
  constructor(options: GpskServerOptions) {
    const { findPsk, authorize = () => true, csuites = CIPHERSUITES, random = randomBytes } = options
    const { idServer, identifier = random(1)[0] ?? 0, timeoutMs = 30_000 } = options
    this.#options = { findPsk, authorize, timeoutMs }
    this.#identifier = identifier
    this.#issued = { identifier, idServer: Buffer.from(idServer), randServer: random(RAND_OCTETS), csuiteList: csuites }
    this.#gpsk1 = writeGpsk1(this.#issued)
    this.#on = {
      gpsk2: (packet) =>
        attempt(
          () => this.#onGpsk2(packet),
          (error) => this.#refuse(error),
        ),
      gpsk4: (packet) => this.#onGpsk4(packet),
      nak: () => this.#end('nak', new EapError('EAP_REFUSED', 'The peer does not want EAP-GPSK with this server')),
      fail: (packet) => this.#onFail(packet),
      protectedFail: (packet) => this.#onProtectedFail(packet),
    }
  }

  get state(): State {
    return this.#state
  }

  timeoutAt(): number | undefined {
    return this.#deadline
  }

  /** GPSK-1. Once. */
  start(now: number): Step {
    if (this.#state !== 'idle') return unexpected('The conversation has begun already')
    this.#move('start')
    this.#deadline = now + this.#options.timeoutMs
    return { do: 'send', packet: this.#gpsk1 }
  }

  receive(octets: Uint8Array, now: number): Step {
    if (this.#deadline !== undefined && now >= this.#deadline) {
      return this.#end('timeout', new EapError('EAP_TIMED_OUT', 'The peer took too long: start again'))
    }
    return attempt(
      () => this.#receive(octets),
      (error) => ({ do: 'discard', error }),
    )
  }

  #receive(octets: Uint8Array): Step {
    const packet = decodePacket(octets)
    if (packet.code !== Code.Response) return unexpected('Not an EAP-Response')
    if (packet.identifier !== this.#identifier) return unexpected('Not the answer to the last Request')
    const event = eventOf(packet)
    if (event === undefined || NEXT[this.#state][event] === undefined) {
      return unexpected(`${event ?? 'An unknown message'} may not come in state ${this.#state}`)
    }
    return this.#on[event](octets)
  }

  #onGpsk2(packet: Uint8Array): Step {
    const message = parseGpsk2(packet)
    const keys = verifyGpsk2(message, this.#options.findPsk(message.idPeer), this.#issued)
    this.#keys = keys
    if (!this.#options.authorize(message.idPeer)) {
      const tell = FailureCode.AuthorizationFailure
      throw new EapError('EAP_NOT_AUTHORIZED', 'The peer proved its identity and may not come in', { tell })
    }
    this.#awaited = awaitGpsk4(message, keys)
    return this.#request('gpsk2', writeGpsk3(message, keys))
  }

  /** Without `tell` in silence; else the failure in the clear or, if the peer proved its identity, protected. */
  #refuse(error: EapError): Step {
    if (error.tell === undefined) return { do: 'discard', error }
    this.#refusal = error
    const message = { identifier: nextIdentifier(this.#identifier), failureCode: error.tell }
    if (this.#keys === undefined) return this.#request('refusal', writeFail(Code.Request, message))
    return this.#request('refusal', writeProtectedFail(Code.Request, message, this.#keys))
  }

  #onGpsk4(packet: Uint8Array): Step {
    if (this.#awaited === undefined || this.#keys === undefined) throw new TypeError('No GPSK-3 was sent')
    verifyGpsk4(packet, this.#awaited)
    this.#move('gpsk4')
    return { do: 'succeed', keys: this.#keys, packet: success(this.#identifier) }
  }

  #onFail(packet: Uint8Array): Step {
    const failed = parseFail(Code.Response, packet)
    return this.#end('fail', this.#refusal ?? refusedWith(failed))
  }

  #onProtectedFail(packet: Uint8Array): Step {
    if (this.#keys === undefined) return unexpected('GPSK-Protected-Fail was not sent')
    const failed = parseProtectedFail(Code.Response, packet, this.#keys)
    return this.#end('protectedFail', this.#refusal ?? refusedWith(failed))
  }

  #request(event: Event, packet: Buffer): Step {
    this.#move(event)
    this.#identifier = nextIdentifier(this.#identifier)
    return { do: 'send', packet }
  }

  #end(event: Event, error: EapError): Step {
    this.#move(event)
    return { do: 'fail', error, packet: failure(this.#identifier) }
  }

  #move(event: Event): void {
    const state = NEXT[this.#state][event]
    if (state === undefined) throw new TypeError(`${event} cannot happen in state ${this.#state}`)
    this.#state = state
    if (state === 'succeeded' || state === 'failed') this.#deadline = undefined
  }
}

function eventOf(packet: TypedPacket): Received | undefined {
  if (packet.type === Type.Nak) return 'nak'
  return packet.type === Type.Gpsk ? RECEIVED_BY_OP_CODE[opCodeOf(packet)] : undefined
}
