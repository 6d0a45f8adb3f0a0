// The peer of EAP-GPSK as a state machine: RFC 5433 section 10, with what RFC 3748 asks of every peer (Identity,
// Notification, Nak, retransmitted Requests). Leaves out payloads: PD_Payload is sent empty, and ignored when it comes.

import { randomBytes } from 'node:crypto'
import { EapError } from '../errors.ts'
import { attempt, type EapMethod, type Step, unexpected } from '../method.ts'
import { Code, decodePacket, type EapPacket, encodePacket, nak, Type, type TypedPacket } from '../packet.ts'
import { CIPHERSUITES, ciphersuite } from './ciphersuite.ts'
import { parseFail, parseProtectedFail, refusedWith, writeFail, writeProtectedFail } from './failures.ts'
import { GpskKeys } from './keys.ts'
import {
  decodePlain,
  decodeProved,
  encodeMessage,
  type Gpsk1,
  gpsk1,
  gpsk2,
  gpsk3,
  gpsk4,
  isProved,
  OpCode,
  opCodeOf,
  RAND_OCTETS,
} from './messages.ts'

const NO_PAYLOAD = new Uint8Array(0)

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

/** What the peer said in GPSK-2, and the keys that came of it. */
interface Offer {
  readonly gpsk1: Gpsk1
  readonly randPeer: Uint8Array
  readonly keys: GpskKeys
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
  #offer: Offer | undefined
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
    if (this.#csuites.length === 0)
      throw new RangeError(`A PSK of ${psk.length} octets is too short for every ciphersuite`)
    this.#acceptServer = acceptServer
    this.#random = random
    this.#timeoutMs = timeoutMs
    this.#on = {
      identity: (_, identifier) => this.#respond('identity', this.#typed(identifier, Type.Identity, this.#idPeer)),
      notification: (_, id) => this.#respond('notification', this.#typed(id, Type.Notification, NO_PAYLOAD)),
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
    const message = decodePlain(gpsk1, Code.Request, octets)
    const csuiteSel = this.#csuites.find((id) => message.csuiteList.includes(id))
    if (csuiteSel === undefined) {
      return this.#refuse(
        message,
        new EapError('EAP_UNSUPPORTED_CIPHERSUITE', 'The server offers no usable ciphersuite'),
      )
    }
    if (!this.#acceptServer(message.idServer)) {
      return this.#refuse(message, new EapError('EAP_WRONG_SERVER', 'The server is not one that the peer wants'))
    }
    return this.#respond('gpsk1', this.#writeGpsk2(message, csuiteSel))
  }

  #writeGpsk2(received: Gpsk1, csuiteSel: number): Buffer {
    const owned = {
      ...received,
      idServer: Buffer.from(received.idServer),
      randServer: Buffer.from(received.randServer),
    }
    const randPeer = this.#random(RAND_OCTETS)
    const message = { ...owned, idPeer: this.#idPeer, randPeer, csuiteSel, pdPayload: NO_PAYLOAD }
    const keys = new GpskKeys(this.#psk, message)
    this.#offer = { gpsk1: owned, randPeer, keys }
    return encodeMessage(gpsk2, Code.Response, message, proofOf(keys))
  }

  /** RFC 5433 section 10: a peer that does not want what GPSK-1 offers says so by a Nak. */
  #refuse({ identifier }: Gpsk1, error: EapError): Step {
    this.#refusal = error
    return this.#respond('refusal', nak(identifier, [0]))
  }

  #onGpsk3(octets: Uint8Array): Step {
    const { gpsk1: answered, randPeer, keys } = this.#sent()
    const message = decodeProved(gpsk3, Code.Request, octets, () => keys.ciphersuite)
    checkEcho(message.randPeer, randPeer, 'EAP_WRONG_RAND', 'RAND_Peer of GPSK-3 is not that of GPSK-2')
    checkEcho(message.randServer, answered.randServer, 'EAP_WRONG_RAND', 'RAND_Server of GPSK-3 is not that of GPSK-1')
    checkEcho(message.idServer, answered.idServer, 'EAP_WRONG_SERVER', 'ID_Server of GPSK-3 is not that of GPSK-1')
    if (message.csuiteSel !== keys.ciphersuite.id) {
      throw new EapError('EAP_DOWNGRADE', `Ciphersuite ${message.csuiteSel} of GPSK-3 is not the one that was chosen`)
    }
    const { suite, mac } = proofOf(keys)
    if (!isProved(message, mac)) throw new EapError('EAP_BAD_MAC', 'The MAC of GPSK-3 is wrong')
    this.#keys = keys
    const answer = { identifier: message.identifier, pdPayload: NO_PAYLOAD }
    return this.#respond('gpsk3', encodeMessage(gpsk4, Code.Response, answer, { suite, mac }))
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

  #sent(): Offer {
    if (this.#offer === undefined) throw new TypeError('GPSK-2 was not sent')
    return this.#offer
  }

  #typed(identifier: number, type: number, data: Uint8Array): Buffer {
    return encodePacket({ code: Code.Response, identifier, type, data })
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

function proofOf(keys: GpskKeys) {
  return { suite: keys.ciphersuite, mac: keys.ciphersuite.mac(keys.sk) }
}

function checkEcho(
  echo: Uint8Array,
  sent: Uint8Array,
  code: 'EAP_WRONG_RAND' | 'EAP_WRONG_SERVER',
  complaint: string,
): void {
  if (Buffer.compare(echo, sent) !== 0) throw new EapError(code, complaint)
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
