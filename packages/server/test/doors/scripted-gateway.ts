// A gateway as a script: the real messages on a real socket, and nothing that a real gateway would decide by itself.

import type { TLSSocket } from 'node:tls'
import { GpskPeer } from '@opencpns/eap'
import { type Address, connectTcp, connectTlsPsk, FrameLink } from '@opencpns/io'
import {
  Alpn,
  ChallengeRequest,
  ChallengeResponse,
  decode,
  deriveGatewayPsk,
  deriveGpskPsk,
  encode,
  ForwardedRequest,
  ForwardedResponse,
  Hello,
  HelloOffer,
  HelloResponse,
  KeyAssignmentRequest,
  KeyAssignmentResponse,
  KeyConfirmationRequest,
  KeyConfirmationResponse,
  KeyRetirementRequest,
  KeyRetirementResponse,
  type Message,
  type MessageOf,
  PNE_FRAME_MAX_OCTETS,
  PolicyNotice,
  peerIdentity,
  RegistrationReport,
  RegistrationsRequest,
  RegistrationsResponse,
  Result,
  RevocationNotice,
  RevocationsRequest,
  RevocationsResponse,
  SERVER_FRAME_MAX_OCTETS,
} from '@opencpns/protocol'

/** Only a fault takes so long. */
const limits = { timeoutMs: 30_000 }

/** A gateway's link to a server, and one method for each request. */
export class ScriptedGateway {
  readonly link: FrameLink<TLSSocket>
  readonly welcome: MessageOf<typeof HelloResponse>
  /** The newest that came. */
  policy: MessageOf<typeof PolicyNotice> | undefined
  #id = 0

  private constructor(link: FrameLink<TLSSocket>, welcome: MessageOf<typeof HelloResponse>) {
    this.link = link
    this.welcome = welcome
  }

  /** @param identity as it names itself  @param secret 32 octets, right or wrong */
  static async connect(
    server: Address,
    identity: string,
    secret: Uint8Array,
    versions = [1],
  ): Promise<ScriptedGateway> {
    const socket = await connectTcp({ ...server, ...limits })
    const link = new FrameLink(socket, { maxFrameOctets: PNE_FRAME_MAX_OCTETS, transcript: true })
    await link.send(encode(Hello, { versions, gateway: identity }))
    const offer = decode(await link.receive(limits), HelloOffer)
    const psk = deriveGatewayPsk({ secret, gateway: identity, transcriptHash: link.transcriptHash() })
    const pskIdentity = Buffer.from(offer.sessionId).toString('base64url')
    const tls = await connectTlsPsk(link.release(), { identity: pskIdentity, psk, alpn: Alpn.server, ...limits })
    const secured = new FrameLink(tls, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS })
    const gateway = new ScriptedGateway(secured, decode(await secured.receive(limits), HelloResponse))
    await gateway.nextPolicy()
    return gateway
  }

  async challenge(): Promise<Uint8Array> {
    const { challenges } = await this.ask(encode(ChallengeRequest, { id: ++this.#id, count: 1 }), ChallengeResponse)
    const [challenge] = challenges ?? []
    if (challenge === undefined) throw new Error('no challenge came')
    return challenge
  }

  forward(request: Omit<ForwardedRequest, 'type' | 'id'>) {
    return this.ask(encode(ForwardedRequest, { id: ++this.#id, ...request }), ForwardedResponse)
  }

  assign(secondSeed: Uint8Array, name = 'watch', ticketId?: Uint8Array) {
    const fields = { id: ++this.#id, secondSeed, name, ...(ticketId && { ticketId }) }
    return this.ask(encode(KeyAssignmentRequest, fields), KeyAssignmentResponse)
  }

  confirm(secondSeed: Uint8Array, ticketId?: Uint8Array) {
    const fields = { id: ++this.#id, secondSeed, ...(ticketId && { ticketId }) }
    return this.ask(encode(KeyConfirmationRequest, fields), KeyConfirmationResponse)
  }

  /** A further key of the PNE that has `replaces`. */
  rotate(secondSeed: Uint8Array, replaces: Uint8Array) {
    return this.ask(encode(KeyAssignmentRequest, { id: ++this.#id, secondSeed, replaces }), KeyAssignmentResponse)
  }

  retire(secondSeed: Uint8Array) {
    return this.ask(encode(KeyRetirementRequest, { id: ++this.#id, secondSeed }), KeyRetirementResponse)
  }

  revocations(since: number) {
    return this.ask(encode(RevocationsRequest, { id: ++this.#id, since }), RevocationsResponse)
  }

  /** Waits for the next PolicyNotice. */
  async nextPolicy(): Promise<MessageOf<typeof PolicyNotice>> {
    this.policy = decode(await this.link.receive(limits), PolicyNotice)
    return this.policy
  }

  /** @param reports  numbered from `first` */
  report(first: number, reports: readonly Parameters<typeof encode<(typeof RegistrationReport)['fields']>>[1][]) {
    return this.reportBodies(
      first,
      reports.map((report) => encode(RegistrationReport, report)),
    )
  }

  reportBodies(first: number, reports: Uint8Array[]) {
    return this.ask(encode(RegistrationsRequest, { id: ++this.#id, first, reports }), RegistrationsResponse)
  }

  async ask<M extends Message>(frame: Uint8Array, response: M): Promise<MessageOf<M>> {
    await this.link.send(frame)
    for (;;) {
      const answer = decode(await this.link.receive(limits), response, RevocationNotice, PolicyNotice)
      if (answer.type !== 'RevocationNotice' && answer.type !== 'PolicyNotice') return answer as MessageOf<M>
    }
  }

  /** Pairs: an active PNE of this gateway. */
  async pair(secondSeed: Uint8Array): Promise<{ secondSeed: Uint8Array; euKey: Uint8Array; pneId: string }> {
    const { euKey, pneId } = await this.assign(secondSeed)
    const { result } = await this.confirm(secondSeed)
    if (euKey === undefined || pneId === undefined || result !== Result.success) throw new Error('not assigned')
    return { secondSeed, euKey, pneId }
  }
}

/** The PNE's answer to a challenge: GPSK-2, and the peer that will read GPSK-3. */
export function answerChallenge(
  pne: { secondSeed: Uint8Array; euKey: Uint8Array },
  challenge: Uint8Array,
  realm = 'example.org',
): { eap: Uint8Array; peer: GpskPeer } {
  const idPeer = Buffer.from(peerIdentity(pne.secondSeed, realm))
  const peer = new GpskPeer({ idPeer, psk: deriveGpskPsk(pne.euKey) })
  const step = peer.receive(challenge, Date.now())
  if (step.do !== 'send') throw new Error(`the peer would not answer: ${step.do}`)
  return { eap: step.packet, peer }
}
