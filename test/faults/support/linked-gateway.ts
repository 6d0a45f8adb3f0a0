// A gateway reduced to its link with the server: it asks for keys and authentications, and asks again after each connection that
// was lost, as docs/protocol.md section 4.4 allows.

import { setTimeout as sleep } from 'node:timers/promises'
import { GpskPeer } from '@opencpns/eap'
import {
  type GatewayCredential,
  openServerLink,
  type ResponseMessage,
  type ServerLink,
  type ServerListener,
} from '@opencpns/gateway'
import type { Address } from '@opencpns/io'
import {
  ChallengeRequest,
  ChallengeResponse,
  deriveGpskPsk,
  encode,
  ForwardedRequest,
  ForwardedResponse,
  KeyAssignmentRequest,
  KeyAssignmentResponse,
  KeyConfirmationRequest,
  KeyConfirmationResponse,
  type MessageOf,
  peerIdentity,
  Result,
} from '@opencpns/protocol'

const RETRY_MS = 20
/** A server that was killed is there again long before. */
const DEADLINE_MS = 60_000

const deaf: ServerListener = {
  onRevocationNotice: () => {},
  onPolicyNotice: () => {},
  onRotationNotice: () => {},
  onTicketRequest: () => ({ result: Result.notPermitted }),
}

/** Nobody wants the answer any more. */
export class GivenUp extends Error {}

export class LinkedGateway {
  readonly #server: Address
  readonly #credential: GatewayCredential
  readonly #stop = new AbortController()
  #link: Promise<ServerLink> | undefined

  constructor(server: Address, credential: GatewayCredential) {
    this.#server = server
    this.#credential = credential
  }

  /** @param signal when it aborts, the answer is not waited for  @throws {GivenUp} */
  assign(secondSeed: Uint8Array, name: string, signal?: AbortSignal): Promise<MessageOf<typeof KeyAssignmentResponse>> {
    return this.#ask((id) => encode(KeyAssignmentRequest, { id, secondSeed, name }), KeyAssignmentResponse, signal)
  }

  /** As {@link assign}. */
  confirm(secondSeed: Uint8Array, signal?: AbortSignal): Promise<MessageOf<typeof KeyConfirmationResponse>> {
    return this.#ask((id) => encode(KeyConfirmationRequest, { id, secondSeed }), KeyConfirmationResponse, signal)
  }

  /** Steps 3 to 6, and the device's check of GPSK-3. */
  async authenticate(secondSeed: Uint8Array, euKey: Uint8Array): Promise<Result> {
    const challenge = await this.challenge()
    const peer = new GpskPeer({
      idPeer: peerIdentity(secondSeed, this.#credential.realm),
      psk: deriveGpskPsk(euKey),
    })
    const step = peer.receive(challenge, Date.now())
    if (step.do !== 'send') throw new Error('this is no GPSK-1')
    const { result, eap } = await this.forward({ secondSeed, challenge, eap: step.packet })
    if (result === Result.success && (!eap || peer.receive(eap, Date.now()).do !== 'send')) {
      throw new Error('the server has not proved the same key')
    }
    return result
  }

  /** A GPSK-1 packet of the server's. */
  async challenge(): Promise<Uint8Array> {
    const { challenges } = await this.#ask((id) => encode(ChallengeRequest, { id, count: 1 }), ChallengeResponse)
    return challenges?.[0] ?? new Uint8Array()
  }

  /** Step 3 and its answer. @param said the challenge, and what a PNE answered to it, or to another one */
  forward(said: Pick<ForwardedRequest, 'secondSeed' | 'challenge' | 'eap'>): Promise<ForwardedResponse> {
    return this.#ask((id) => encode(ForwardedRequest, { id, ...said }), ForwardedResponse)
  }

  close(): void {
    this.#stop.abort()
    this.#link?.then((link) => link.close()).catch(() => {})
  }

  async #ask<R extends ResponseMessage>(
    make: (id: number) => Uint8Array,
    expected: R,
    signal?: AbortSignal,
  ): Promise<MessageOf<R>> {
    const deadline = performance.now() + DEADLINE_MS
    let failure: unknown
    while (!signal?.aborted && !this.#stop.signal.aborted) {
      if (performance.now() > deadline) throw new Error(`no answer to a ${expected.name}`, { cause: failure })
      const connecting = this.#connect()
      try {
        const response = await (await connecting).request(make, expected)
        if ('result' in response && response.result !== Result.busy) return response
        failure = response
      } catch (error) {
        failure = error
        if (this.#link === connecting) this.#link = undefined
      }
      await sleep(RETRY_MS)
    }
    throw new GivenUp()
  }

  #connect(): Promise<ServerLink> {
    this.#link ??= openServerLink({
      server: this.#server,
      credential: this.#credential,
      signal: this.#stop.signal,
      listener: deaf,
    })
    return this.#link
  }
}
