// An access point with a device behind it, as a script: real datagrams, and nothing that real ones would decide themselves.

import { Code as EapCode, encodePacket, GpskPeer, Type } from '@opencpns/eap'
import type { Address } from '@opencpns/io'
import { deriveGpskPsk, peerIdentity } from '@opencpns/protocol'
import { type EapAnswer, eapRound, RadiusClient, SharedSecret } from '@opencpns/radius'

export interface Pne {
  readonly secondSeed: Uint8Array
  readonly euKey: Uint8Array
}

export interface StationOptions {
  readonly csuites?: readonly number[]
  /** What the device calls itself; its identity unless told otherwise. */
  readonly identity?: string
}

export const identityOf = ({ secondSeed }: Pick<Pne, 'secondSeed'>) => peerIdentity(secondSeed, 'example.org')

/** A RADIUS client with the 24 octets of a secret as the registry gave them. */
export function accessPoint(at: Address, secret: Buffer): RadiusClient {
  const retransmission = { initialMs: 500, maxTransmissions: 2 }
  return new RadiusClient({ ...at, secret: SharedSecret.of(secret.toString('base64url')), retransmission })
}

export function identityResponse(identity: string, identifier = 7): Buffer {
  return encodePacket({
    code: EapCode.Response,
    identifier,
    type: Type.Identity,
    data: Buffer.from(identity),
  })
}

/** One conversation, message by message. */
export class Station {
  readonly identity: string
  readonly peer: GpskPeer
  readonly #client: RadiusClient

  constructor(client: RadiusClient, pne: Pne, { csuites, identity = identityOf(pne) }: StationOptions = {}) {
    this.#client = client
    this.identity = identity
    const psk = deriveGpskPsk(pne.euKey)
    this.peer = new GpskPeer({ idPeer: Buffer.from(identityOf(pne)), psk, ...(csuites && { csuites }) })
  }

  /** An Access-Request with this EAP packet and, as an access point must, the State of the answer before. */
  ask(eapMessage: Uint8Array, before?: Pick<EapAnswer, 'state'>, userName = this.identity): Promise<EapAnswer> {
    const round = { userName, eapMessage, state: before?.state, nasIdentifier: 'ap.example.org' }
    return eapRound(this.#client, { ...round, callingStationId: '02-00-00-00-00-01' })
  }

  /** Gets GPSK-1. */
  begin(): Promise<EapAnswer> {
    return this.ask(identityResponse(this.identity))
  }

  /** What the device says to the EAP packet of an answer. */
  reply({ eapMessage }: EapAnswer): Buffer {
    if (eapMessage === undefined) throw new Error('no EAP-Message came')
    const step = this.peer.receive(eapMessage, Date.now())
    if (step.do !== 'send') throw new Error(`the device would not answer: ${step.do}`)
    return step.packet
  }

  /** The whole conversation, as far as it goes; the last answer. */
  async run(): Promise<EapAnswer> {
    let answer = await this.begin()
    for (let i = 0; i < 2 && answer.state !== undefined; i++) answer = await this.ask(this.reply(answer), answer)
    return answer
  }
}
