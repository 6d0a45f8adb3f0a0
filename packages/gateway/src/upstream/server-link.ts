// One connection to a CPNS Server that stands: requests with ids, many in flight, answered in any order (docs/protocol.md
// section 4.4). How it is made is in open-link.ts. It does not reconnect: replica.ts does.

import type { FrameLink } from '@opencpns/io'
import {
  ChallengeResponse,
  ClosingNotice,
  decode,
  encode,
  ForwardedResponse,
  KeyAssignmentResponse,
  KeyConfirmationResponse,
  KeyRetirementResponse,
  type MessageOf,
  PING_INTERVAL_MS,
  Ping,
  PolicyNotice,
  Pong,
  RegistrationsResponse,
  RevocationNotice,
  RevocationsResponse,
  RotationNotice,
  SERVER_DEADLINE_MS,
  TicketRequest,
  TicketResponse,
} from '@opencpns/protocol'
import { UpstreamError } from './errors.ts'
import { LinkLoad } from './link-load.ts'

const IN_FLIGHT_MAX = 1024
const SILENCE_MAX_MS = 75_000
/** A request that waits so long is late: another server may be asked. */
const LATE_MS = SERVER_DEADLINE_MS / 3
/** Deadlines of requests and the need of a Ping are looked at this often: a timer a request would cost more. */
const SWEEP_INTERVAL_MS = 200

const responses = [
  ForwardedResponse,
  ChallengeResponse,
  KeyAssignmentResponse,
  KeyConfirmationResponse,
  KeyRetirementResponse,
  RevocationsResponse,
  RegistrationsResponse,
] as const
const version1 = [...responses, RevocationNotice, PolicyNotice, Ping, Pong] as const
const version2 = [...version1, TicketRequest, RotationNotice, ClosingNotice] as const
export type ResponseMessage = (typeof responses)[number]
type Response = MessageOf<ResponseMessage>
/** Encodes a request, with its id, for the version that the link speaks. */
export type MakeRequest = (id: number, version: number) => Uint8Array

interface Request {
  readonly expected: ResponseMessage
  readonly sentAt: number
  readonly deadline: number
  /** Called once, when it is late. */
  onLate: (() => void) | undefined
  resolve(response: Response): void
  reject(error: UpstreamError): void
}

/** Hears what the server says unasked. */
export interface ServerListener {
  /** The server's revocation log has grown to this number. */
  onRevocationNotice(upTo: number): void
  onPolicyNotice(policy: MessageOf<typeof PolicyNotice>): void
  /** Gives the answer. Never throws. */
  onTicketRequest(request: TicketRequest): Omit<TicketResponse, 'type' | 'id'>
  onRotationNotice(pneId: string): void
}

export class ServerLink {
  /** `HOST:PORT` */
  readonly server: string
  /** Of the protocol of this link. */
  readonly version: number
  /** The newest number of the server's revocation log when the connection was made. */
  readonly revocations: number
  /** Resolves when the connection has ended, to the reason. */
  readonly ended: Promise<unknown>
  readonly load = new LinkLoad(IN_FLIGHT_MAX)
  readonly #link: FrameLink
  readonly #requests = new Map<number, Request>()
  readonly #sweep: NodeJS.Timeout
  readonly #listener: ServerListener
  #lastId = 0
  #over = false
  #draining = false
  #sentAt = performance.now()
  #heardAt = performance.now()
  /** When it was asked whether it still reacts: something was late, and nothing had come since. */
  #probedAt: number | undefined

  constructor(link: FrameLink, of: { server: string; version: number; revocations: number; listener: ServerListener }) {
    this.#link = link
    this.server = of.server
    this.version = of.version
    this.revocations = of.revocations
    this.#listener = of.listener
    this.#sweep = setInterval(() => this.#look(), SWEEP_INTERVAL_MS).unref()
    this.ended = link
      .frames((body) => this.#receive(body), { idleMs: SILENCE_MAX_MS })
      .then(
        () => this.#end(undefined),
        (error) => this.#end(error),
      )
  }

  /** Whether it takes requests. */
  get isOpen(): boolean {
    return !this.#over && !this.#draining
  }

  /** False from the moment that something is late and the server has not said anything since it was sent. */
  get isResponsive(): boolean {
    return this.#probedAt === undefined
  }

  /**
   * Sends a request; resolves to its response, whatever its result, within 4 s.
   * @param limits.deadline  by {@link performance.now}, if it is to be sooner
   * @throws {UpstreamError} SERVER_UNREACHABLE, SERVER_SILENT, TOO_MANY_REQUESTS
   */
  request<R extends ResponseMessage>(
    make: MakeRequest,
    expected: R,
    limits: { readonly deadline?: number; readonly onLate?: () => void } = {},
  ): Promise<MessageOf<R>> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new UpstreamError('SERVER_UNREACHABLE', 'the connection to the server has ended'))
      if (this.#requests.size >= IN_FLIGHT_MAX) {
        return reject(new UpstreamError('TOO_MANY_REQUESTS', `${IN_FLIGHT_MAX} requests wait for the server`))
      }
      const id = this.#nextId()
      const sentAt = performance.now()
      const { deadline = sentAt + SERVER_DEADLINE_MS, onLate } = limits
      this.load.began()
      const settle = { resolve: resolve as (response: Response) => void, reject }
      this.#requests.set(id, { expected, sentAt, deadline, onLate, ...settle })
      this.#send(make(id, this.version))
    })
  }

  /** Sends what needs no answer. False when the link does not take it: it is no longer open, or speaks version 1. */
  tell(message: Uint8Array): boolean {
    if (!this.isOpen || this.version < 2) return false
    this.#send(message)
    return true
  }

  /** Takes no more requests, and closes once those under way are answered or given up. */
  drain(): void {
    this.#draining = true
    this.#closeWhenDone()
  }

  close(): void {
    this.#link.close()
  }

  #send(body: Uint8Array): void {
    this.#sentAt = performance.now()
    this.#link.sendSoon(body)
  }

  #receive(body: Buffer): void {
    this.#heardAt = performance.now()
    this.#probedAt = undefined
    const message = this.version === 1 ? decode(body, ...version1) : decode(body, ...version2)
    if (message.type === 'Pong') return
    if (message.type === 'Ping') this.#send(encode(Pong, {}))
    else if (message.type === 'RevocationNotice') this.#listener.onRevocationNotice(message.upTo)
    else if (message.type === 'PolicyNotice') this.#listener.onPolicyNotice(message)
    else if (message.type === 'RotationNotice') this.#listener.onRotationNotice(message.pneId)
    else if (message.type === 'ClosingNotice') this.drain()
    else if (message.type === 'TicketRequest') this.#giveTicket(message)
    else this.#answer(message)
  }

  #giveTicket(request: TicketRequest): void {
    this.#send(encode(TicketResponse, { id: request.id, ...this.#listener.onTicketRequest(request) }))
  }

  #answer(message: Response): void {
    const request = this.#requests.get(message.id)
    if (!request) return // its deadline has passed
    if (request.expected.name !== message.type)
      throw new UpstreamError('SERVER_WRONG', `a ${message.type} came unasked`)
    this.#requests.delete(message.id)
    this.load.answered(request.sentAt, this.#heardAt)
    request.resolve(message)
    this.#closeWhenDone()
  }

  /** Lets go of requests that wait too long, says which are late, and pings a connection that is idle. */
  #look(): void {
    const now = performance.now()
    for (const [id, request] of this.#requests) {
      if (request.sentAt + LATE_MS <= now) this.#late(request, now)
      if (request.deadline > now) continue
      this.#requests.delete(id)
      this.load.unanswered()
      request.reject(new UpstreamError('SERVER_SILENT', `the server gave no answer in ${SERVER_DEADLINE_MS} ms`))
    }
    this.#closeWhenDone()
    if (now - (this.#probedAt ?? now) >= SERVER_DEADLINE_MS) this.#link.destroy()
    if (now - this.#sentAt >= PING_INTERVAL_MS) this.#send(encode(Ping, {}))
  }

  /** A server that has said nothing since is asked whether it is there: without an answer in 4 s the link ends. */
  #late(request: Request, now: number): void {
    if (this.#heardAt < request.sentAt && this.#probedAt === undefined) {
      this.#probedAt = now
      this.#send(encode(Ping, {}))
    }
    const { onLate } = request
    request.onLate = undefined
    onLate?.()
  }

  #closeWhenDone(): void {
    if (this.#draining && this.#requests.size === 0) this.#link.close()
  }

  #end(error: unknown): unknown {
    const cause = this.isResponsive ? error : new UpstreamError('SERVER_SILENT', 'the server does not react')
    this.#over = true
    clearInterval(this.#sweep)
    for (const request of this.#requests.values()) {
      this.load.unanswered()
      request.reject(new UpstreamError('SERVER_UNREACHABLE', 'the connection to the server was lost', { cause }))
    }
    this.#requests.clear()
    this.#link.close()
    return cause
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#requests.has(this.#lastId))
    return this.#lastId
  }
}
