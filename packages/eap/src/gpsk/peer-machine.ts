// The peer of EAP-GPSK as a state machine: RFC 5433 section 10, on the functions of peer.ts, with what RFC 3748 asks of every
// peer (Identity, Notification, Nak, retransmitted Requests).

import { randomBytes } from 'node:crypto'
import { EapError } from '../errors.ts'
import { attempt, type EapMethod, type Step, unexpected } from '../method.ts'
import { Code, decodePacket, type EapPacket, encodePacket, nak, Type, type TypedPacket } from '../packet.ts'
import { CIPHERSUITES, ciphersuite } from './ciphersuite.ts'
import { parseFail, parseProtectedFail, refusedWith, writeFail, writeProtectedFail } from './failures.ts'
import type { GpskKeys } from './keys.ts'
import { type Gpsk1, gpsk2, OpCode, opCodeOf, RAND_OCTETS } from './messages.ts'
import { type Answered, verifyGpsk3, writeGpsk2, writeGpsk4 } from './peer.ts'
import { parseGpsk1 } from './server.ts'

export interface GpskPeerOptions {
  /** ID_Peer, 1 to 253 octets; also the answer to EAP-Request/Identity. */
  readonly idPeer: string | Uint8Array
  /** 16 octets or more; ciphersuite 2 needs 32. */
  readonly psk: Uint8Array
  /** Ciphersuites that may be chosen, best first. */
  readonly csuites?: readonly number[]
  /** Whether to go on with the server that calls itself so. With any, by default: its name proves nothing before GPSK-3. */
  readonly acceptServer?: (idServer: Uint8Array) => boolean
  readonly random?: (octets: number) => Uint8Array
  /** For the whole conversation, from the first packet. */
  readonly timeoutMs?: number
}

/** `refusal` is what an unacceptable GPSK-1 becomes; the other events are what came. */
export const PEER_TRANSITIONS = {
  idle: {
    identity: 'idle',
    notification: 'idle',
    otherMethod: 'idle',
    gpsk1: 'sentGpsk2',
    refusal: 'refused',
    failure: 'failed',
    timeout: 'failed',
  },
  sentGpsk2: {
    notification: 'sentGpsk2',
    gpsk1: 'sentGpsk2',
    refusal: 'refused',
    gpsk3: 'sentGpsk4',
    fail: 'refused',
    protectedFail: 'refused',
    failure: 'failed',
    timeout: 'failed',
  },
  sentGpsk4: { notification: 'sentGpsk4', success: 'succeeded', failure: 'failed', timeout: 'failed' },
  refused: { notification: 'refused', failure: 'failed', timeout: 'failed' },
  succeeded: {},
  failed: {},
} as const

type State = keyof typeof PEER_TRANSITIONS
type Received =
  | 'identity'
  | 'notification'
  | 'otherMethod'
  | 'gpsk1'
  | 'gpsk3'
  | 'fail'
  | 'protectedFail'
  | 'success'
  | 'failure'
type Event = Received | 'refusal' | 'timeout'

const NEXT: Record<State, Partial<Record<Event, State>>> = PEER_TRANSITIONS

const RECEIVED_BY_OP_CODE: Readonly<Record<number, Received>> = {
  [OpCode.Gpsk1]: 'gpsk1',
  [OpCode.Gpsk3]: 'gpsk3',
  [OpCode.Fail]: 'fail',
  [OpCode.ProtectedFail]: 'protectedFail',
}

/** One conversation with one server. Each packet that comes goes to `receive`. */
export class GpskPeer implements EapMethod {
  readonly #idPeer: Buffer
  readonly #psk: Uint8Array
  readonly #csuites: readonly number[]
  readonly #acceptServer: (idServer: Uint8Array) => boolean
  readonly #random: (octets: number) => Uint8Array
  readonly #timeoutMs: number
  readonly #on: Record<Received, (octets: Uint8Array, identifier: number) => Step>
  #state: State = 'idle'
  #deadline: number | undefined
  #last: { identifier: number; packet: Buffer } | undefined
  #answered: Answered | undefined
  #keys: GpskKeys | undefined
  #refusal: EapError | undefined

  /**
   * @throws {RangeError} `idPeer` out of its bounds, or `psk` too short for each ciphersuite
   * @throws {EapError} EAP_UNSUPPORTED_CIPHERSUITE in `csuites`
   */
  constructor(options: GpskPeerOptions) {
    const { idPeer, psk, csuites = CIPHERSUITES, acceptServer = () => true } = options
    const { random = randomBytes, timeoutMs = 30_000 } = options
    this.#idPeer = Buffer.from(idPeer)
    this.#psk = psk
    this.#csuites = csuites.filter((id) => ciphersuite(id).ks <= psk.length)
    gpsk2.fields.idPeer.size(this.#idPeer)
    if (this.#csuites.length === 0) throw new RangeError(`No ciphersuite can use a PSK of ${psk.length} octets`)
    this.#acceptServer = acceptServer
    this.#random = random
    this.#timeoutMs = timeoutMs
    this.#on = {
      identity: (_, identifier) => this.#respond('identity', response(identifier, Type.Identity, this.#idPeer)),
      notification: (_, identifier) => this.#respond('notification', response(identifier, Type.Notification)),
      otherMethod: (_, identifier) => this.#respond('otherMethod', nak(identifier, [Type.Gpsk])),
      gpsk1: (octets) => this.#onGpsk1(octets),
      gpsk3: (octets) => this.#onGpsk3(octets),
      fail: (octets) => this.#onFail(octets),
      protectedFail: (octets) => this.#onProtectedFail(octets),
      success: () => this.#onSuccess(),
      failure: () => this.#end('failure', new EapError('EAP_REFUSED', 'The server refused with EAP-Failure')),
    }
  }

  get state(): State {
    return this.#state
  }

  /** Undefined until GPSK-3 was verified: from then on the server is known to hold the PSK. */
  get keys(): GpskKeys | undefined {
    return this.#keys
  }

  timeoutAt(): number | undefined {
    return this.#deadline
  }

  receive(octets: Uint8Array, now: number): Step {
    if (this.#deadline !== undefined && now >= this.#deadline) {
      return this.#end('timeout', new EapError('EAP_TIMED_OUT', 'The server took too long: start again'))
    }
    if (this.#state === 'idle') this.#deadline ??= now + this.#timeoutMs
    return attempt(
      () => this.#receive(octets),
      (error) => ({ do: 'discard', error }),
    )
  }

  #receive(octets: Uint8Array): Step {
    const packet = decodePacket(octets)
    const last = this.#last
    const again = packet.identifier === last?.identifier
    const isRequest = packet.code === Code.Request
    const event = eventOf(packet)
    // RFC 3748 section 4.1: the same Request again gets the same Response again, as long as the conversation lasts.
    if (isRequest && again && this.#deadline !== undefined) return { do: 'send', packet: last.packet }
    // Section 4.2: a result must carry the identifier of the Response that it answers.
    if (!isRequest && !again) return unexpected('A result for another Response')
    if (event === undefined || NEXT[this.#state][event] === undefined) {
      return unexpected(`${event ?? 'An unknown message'} may not come in state ${this.#state}`)
    }
    return this.#on[event](octets, packet.identifier)
  }

  #onGpsk1(octets: Uint8Array): Step {
    const message = parseGpsk1(octets)
    const csuiteSel = this.#csuites.find((id) => message.csuiteList.includes(id))
    if (csuiteSel === undefined) {
      const error = new EapError('EAP_UNSUPPORTED_CIPHERSUITE', 'The server offers no usable ciphersuite')
      return this.#refuse(message, error)
    }
    if (!this.#acceptServer(message.idServer)) {
      return this.#refuse(message, new EapError('EAP_WRONG_SERVER', 'The server is not one that the peer wants'))
    }
    const choice = { idPeer: this.#idPeer, randPeer: this.#random(RAND_OCTETS), csuiteSel }
    const { packet, answered } = writeGpsk2(message, this.#psk, choice)
    this.#answered = answered
    return this.#respond('gpsk1', packet)
  }

  /** RFC 5433 section 10: a peer that does not want what GPSK-1 offers says so by a Nak. */
  #refuse({ identifier }: Gpsk1, error: EapError): Step {
    this.#refusal = error
    return this.#respond('refusal', nak(identifier, [0]))
  }

  #onGpsk3(octets: Uint8Array): Step {
    const answered = this.#sent()
    const identifier = verifyGpsk3(octets, answered)
    this.#keys = answered.keys
    return this.#respond('gpsk3', writeGpsk4(identifier, answered.keys))
  }

  #onFail(octets: Uint8Array): Step {
    const failed = parseFail(Code.Request, octets)
    this.#refusal = refusedWith(failed)
    return this.#respond('fail', writeFail(Code.Response, failed))
  }

  #onProtectedFail(octets: Uint8Array): Step {
    const { keys } = this.#sent()
    const failed = parseProtectedFail(Code.Request, octets, keys)
    this.#refusal = refusedWith(failed)
    return this.#respond('protectedFail', writeProtectedFail(Code.Response, failed, keys))
  }

  #onSuccess(): Step {
    if (this.#keys === undefined) throw new TypeError('GPSK-3 was not verified')
    this.#move('success')
    return { do: 'succeed', keys: this.#keys }
  }

  #sent(): Answered {
    if (this.#answered === undefined) throw new TypeError('GPSK-2 was not sent')
    return this.#answered
  }

  #respond(event: Event, packet: Buffer): Step {
    this.#move(event)
    this.#last = { identifier: packet.readUInt8(1), packet }
    return { do: 'send', packet }
  }

  /** The reason given before, if there was one, tells more than how the conversation ended. */
  #end(event: Event, error: EapError): Step {
    this.#move(event)
    this.#keys = undefined
    return { do: 'fail', error: this.#refusal ?? error }
  }

  #move(event: Event): void {
    const state = NEXT[this.#state][event]
    if (state === undefined) throw new TypeError(`${event} cannot happen in state ${this.#state}`)
    this.#state = state
    if (state === 'succeeded' || state === 'failed') this.#deadline = undefined
  }
}

function response(identifier: number, type: number, data: Uint8Array = new Uint8Array(0)): Buffer {
  return encodePacket({ code: Code.Response, identifier, type, data })
}

function eventOf(packet: EapPacket): Received | undefined {
  if (packet.code === Code.Success) return 'success'
  if (packet.code === Code.Failure) return 'failure'
  return packet.code === Code.Request ? requestEvent(packet) : undefined
}

function requestEvent(request: TypedPacket): Received | undefined {
  if (request.type === Type.Identity) return 'identity'
  if (request.type === Type.Notification) return 'notification'
  if (request.type === Type.Nak) return undefined
  return request.type === Type.Gpsk ? RECEIVED_BY_OP_CODE[opCodeOf(request)] : 'otherMethod'
}
