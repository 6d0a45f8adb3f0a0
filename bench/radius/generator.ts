// A process of its own that asks a RADIUS server for authentications by EAP-GPSK, many at once: real peers behind real access
// points. Its parent says by IPC what to do, and hears how it went.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { Code as EapCode, encodePacket as encodeEap, GpskPeer, Type } from '@opencpns/eap'
import {
  type Attribute,
  Code,
  checkResponse,
  decodePacket,
  encodeRequest,
  FramedMtu,
  joinEapMessage,
  NasIdentifier,
  NasPortType,
  type Packet,
  PortType,
  RadiusError,
  type SentRequest,
  SharedSecret,
  State,
  splitEapMessage,
  UserName,
} from '@opencpns/radius'

export interface Device {
  readonly identity: string
  /** 32 octets in hex. */
  readonly psk: string
}

export interface Load {
  readonly port: number
  readonly secret: string
  readonly devices: readonly Device[]
  /** Stop after so many authentications, or when the time is over. */
  readonly count?: number
  readonly seconds?: number
  readonly inFlight: number
}

export interface Outcome {
  /** Successes within the time. */
  readonly done: number
  /** Successes, those too that were under way when the time was over. */
  readonly served: number
  readonly failed: number
  readonly resent: number
  /** From the first request to the end of the time, or to the last answer. */
  readonly seconds: number
  /** Processor time of this process, seconds. */
  readonly processorS: number
}

const HOST = '127.0.0.1'
/** Access points; each is a socket, with 256 identifiers. */
const SOCKETS = 4
const RESEND_AFTER_MS = 1000
const GIVE_UP_AFTER_MS = 5000
const SWEEP_MS = 100
const CIPHERSUITE = 2

const NAS: readonly Attribute[] = [
  NasIdentifier.of('ap.example.org'),
  NasPortType.of(PortType.Wireless80211),
  FramedMtu.of(1400),
]

/** One authentication at a time under one identifier of one socket. */
class Conversation {
  readonly #run: Run
  readonly #socket: Socket
  readonly #identifier: number
  #device: Device | undefined
  #peer: GpskPeer | undefined
  #request: SentRequest | undefined
  #askedAt = 0
  #sentAt = 0

  constructor(run: Run, socket: Socket, identifier: number) {
    this.#run = run
    this.#socket = socket
    this.#identifier = identifier
  }

  begin(): void {
    const device = this.#run.next()
    this.#device = device
    if (device === undefined) return
    const { identity, psk } = device
    this.#peer = new GpskPeer({ idPeer: identity, psk: Buffer.from(psk, 'hex'), csuites: [CIPHERSUITE] })
    const data = Buffer.from(identity)
    this.#ask(encodeEap({ code: EapCode.Response, identifier: 0, type: Type.Identity, data }))
  }

  receive(octets: Buffer): void {
    const answer = this.#verified(octets)
    if (answer === undefined || this.#peer === undefined) return
    this.#request = undefined
    const eap = joinEapMessage(answer.attributes)
    const step = eap && this.#peer.receive(eap, this.#run.now)
    if (answer.code === Code.AccessChallenge && step?.do === 'send') {
      this.#ask(step.packet, State.find(answer.attributes))
    } else {
      this.#end(answer.code === Code.AccessAccept && step?.do === 'succeed')
    }
  }

  /** Sends again what was not answered, and gives up in the end. */
  sweep(): void {
    if (this.#request === undefined) return
    const { now } = this.#run
    if (now - this.#askedAt > GIVE_UP_AFTER_MS) {
      this.#request = undefined
      this.#end(false)
    } else if (now - this.#sentAt > RESEND_AFTER_MS) {
      this.#run.resent++
      this.#send(this.#request)
    }
  }

  get idle(): boolean {
    return this.#device === undefined
  }

  /** What is no answer to the request under way was one to a request that was sent twice. */
  #verified(octets: Buffer): Packet | undefined {
    if (this.#request === undefined) return undefined
    try {
      const answer = decodePacket(octets)
      checkResponse(answer, this.#request, this.#run.secret)
      return answer
    } catch (error) {
      if (error instanceof RadiusError) return undefined
      throw error
    }
  }

  #ask(eap: Buffer, state?: Buffer): void {
    const { identity = '' } = this.#device ?? {}
    const attributes = [UserName.of(identity), ...NAS, ...splitEapMessage(eap)]
    if (state) attributes.push(State.of(state))
    this.#request = encodeRequest(Code.AccessRequest, this.#identifier, attributes, this.#run.secret)
    this.#askedAt = this.#run.now
    this.#send(this.#request)
  }

  #send({ octets }: SentRequest): void {
    this.#sentAt = this.#run.now
    this.#socket.send(octets)
  }

  #end(good: boolean): void {
    this.#run.ended(good)
    this.begin()
  }
}

class Run {
  readonly secret: SharedSecret
  now = performance.now()
  resent = 0
  done = 0
  served = 0
  failed = 0
  readonly #load: Load
  readonly #begun = performance.now()
  readonly #until: number
  #given = 0

  constructor(load: Load) {
    this.#load = load
    this.secret = SharedSecret.of(load.secret)
    this.#until = this.#begun + (load.seconds ?? Number.POSITIVE_INFINITY) * 1000
  }

  /** Who authenticates next; undefined when there is enough. */
  next(): Device | undefined {
    const { count = Number.POSITIVE_INFINITY, devices } = this.#load
    if (this.#given >= count || this.now >= this.#until) return undefined
    return devices[this.#given++ % devices.length]
  }

  ended(good: boolean): void {
    if (!good) {
      this.failed++
      return
    }
    this.served++
    if (this.now <= this.#until) this.done++
  }

  get seconds(): number {
    return (Math.min(this.now, this.#until) - this.#begun) / 1000
  }
}

async function generate(load: Load): Promise<Outcome> {
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => open(load.port)))
  const before = process.cpuUsage()
  const run = new Run(load)
  const bySocket = sockets.map((socket) => {
    const conversations = Array.from({ length: Math.ceil(load.inFlight / SOCKETS) }, (_, identifier) => {
      return new Conversation(run, socket, identifier)
    })
    socket.on('message', (octets) => {
      run.now = performance.now()
      conversations[octets[1] ?? 0]?.receive(octets)
    })
    return conversations
  })
  const conversations = bySocket.flat()
  for (const conversation of conversations) conversation.begin()
  while (conversations.some(({ idle }) => !idle)) {
    await new Promise((resolve) => setTimeout(resolve, SWEEP_MS))
    run.now = performance.now()
    for (const conversation of conversations) conversation.sweep()
  }
  for (const socket of sockets) socket.close()
  const { user, system } = process.cpuUsage(before)
  const { done, served, failed, resent, seconds } = run
  return { done, served, failed, resent, seconds, processorS: (user + system) / 1e6 }
}

async function open(port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.connect(port, HOST)
  await once(socket, 'connect')
  return socket
}

process.on('message', (load: Load) => {
  generate(load).then((outcome) => process.send?.(outcome))
})
