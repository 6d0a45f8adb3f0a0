// A PNE made of protocol and io alone, which does what a test says, right or wrong. EAP packets are opaque to it.

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Address, connectTcp, connectTlsPsk, FrameLink } from '@opencpns/io'
import {
  Alpn,
  Assignment,
  AssignmentConfirmation,
  AssignmentRequest,
  AuthenticationRequest,
  AuthenticationResponse,
  Case,
  Challenge,
  ChallengeAnswer,
  decode,
  deriveLocalKey,
  derivePairingPsk,
  deriveSessionPsk,
  encode,
  type Message,
  type MessageOf,
  PairingOffer,
  PairingRequest,
  PairingResponse,
  type PairingTicket,
  PNE_FRAME_MAX_OCTETS,
  SessionOffer,
} from '@opencpns/protocol'

/** Only a fault takes so long. */
const limits = { timeoutMs: 30_000 }
const maxFrameOctets = PNE_FRAME_MAX_OCTETS

export interface RequestFields {
  secondSeed: Uint8Array
  versions?: number[]
  service?: string
  transientKeyId?: Uint8Array
  traceparent?: string
}

export class ScriptedPne {
  readonly socket: Socket
  readonly clear: FrameLink<Socket>
  link: FrameLink
  tls: TLSSocket | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.clear = new FrameLink(socket, { maxFrameOctets, transcript: true })
    this.link = this.clear
  }

  static async connect(address: Address): Promise<ScriptedPne> {
    return new ScriptedPne(await connectTcp({ ...address, ...limits }))
  }

  send<M extends Message>(message: M, values: Parameters<typeof encode<M['fields']>>[1]): Promise<void> {
    return this.link.send(encode(message, values), limits)
  }

  async receive<const M extends readonly Message[]>(...expected: M): Promise<MessageOf<M[number]>> {
    return decode(await this.link.receive(limits), ...expected)
  }

  /** Step 1. */
  request({ versions = [1], ...others }: RequestFields): Promise<void> {
    return this.send(AuthenticationRequest, { versions, realm: 'example.org', ...others })
  }

  /** Step 7, from the EUKey or the TK. */
  async secure(offer: SessionOffer, keys: { euKey?: Uint8Array; transientKey?: Uint8Array }): Promise<TLSSocket> {
    const key = offer.case === Case.local ? deriveLocalKey(keys.euKey ?? randomBytes(32)) : keys.transientKey
    const { sessionId, gateway } = offer
    const transcriptHash = this.clear.transcriptHash()
    const psk = deriveSessionPsk({ key: key ?? randomBytes(32), case: offer.case, gateway, sessionId, transcriptHash })
    return this.upgrade(sessionId, psk, Alpn.session)
  }

  async upgrade(sessionId: Uint8Array, psk: Uint8Array, alpn: string): Promise<TLSSocket> {
    const identity = Buffer.from(sessionId).toString('base64url')
    this.tls = await connectTlsPsk(this.clear.release(), { identity, psk, alpn, ...limits })
    this.link = new FrameLink(this.tls, { maxFrameOctets })
    return this.tls
  }

  /** Steps 1, 7 and 8 of the local case. */
  async authenticateLocally(euKey: Uint8Array, fields: RequestFields): Promise<AuthenticationResponse> {
    await this.request(fields)
    await this.secure(await this.receive(SessionOffer), { euKey })
    return this.receive(AuthenticationResponse)
  }

  /** Steps 1, 5, 7 and 8 of the remote case, with any answer to the challenge. */
  async authenticateRemotely(transientKey: Uint8Array, fields: RequestFields): Promise<AuthenticationResponse> {
    await this.request(fields)
    await this.answerChallenge()
    await this.secure(await this.receive(SessionOffer), { transientKey })
    return this.receive(AuthenticationResponse)
  }

  async answerChallenge(): Promise<Challenge> {
    const challenge = await this.receive(Challenge)
    await this.send(ChallengeAnswer, { eap: Buffer.from('GPSK-2') })
    return challenge
  }

  /** Pairing, up to TLS. */
  async openPairing({ ticketId, secret, gateway }: PairingTicket): Promise<void> {
    await this.send(PairingRequest, { versions: [1], ticketId })
    const { sessionId } = await this.receive(PairingOffer)
    const psk = derivePairingPsk({ secret, gateway, transcriptHash: this.clear.transcriptHash() })
    await this.upgrade(sessionId, psk, Alpn.pairing)
  }

  /** Pairing, up to the assignment or the refusal. */
  async askAssignment(ticket: PairingTicket, deviceNonce: Uint8Array): Promise<Assignment | PairingResponse> {
    await this.openPairing(ticket)
    await this.send(AssignmentRequest, { deviceNonce })
    return this.receive(Assignment, PairingResponse)
  }

  async confirm(): Promise<PairingResponse> {
    await this.send(AssignmentConfirmation, {})
    return this.receive(PairingResponse)
  }

  close(): void {
    this.tls?.destroy()
    this.socket.destroy()
  }
}
