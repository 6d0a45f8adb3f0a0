// A gateway, and a CPNS Server behind it, that follow a script: real sockets on the loopback, and every word of theirs can
// be bent by a test. They are made of the crafts alone, so what they say is not said by the gateway's own code.

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { parseGpsk2, verifyGpsk2, writeGpsk1, writeGpsk3 } from '@opencpns/eap'
import { acceptTlsPsk, FrameLink, listenTcp } from '@opencpns/io'
import {
  Alpn,
  AuthenticationRequest,
  AuthenticationResponse,
  Case,
  Challenge,
  ChallengeAnswer,
  decode,
  deriveEuKey,
  deriveGpskPsk,
  deriveLocalKey,
  deriveSessionPsk,
  deriveTransientKey,
  encode,
  Result,
  SessionOffer,
} from '@opencpns/protocol'
import { Credential } from '../src/index.ts'

/** Only a fault takes so long. */
export const limits = { timeoutMs: 30_000 }
export const realm = 'example.org'
export const home = 'home-gw@example.org'
export const lobby = 'lobby-gw@example.org'
export const secondSeed = Buffer.alloc(32, 2)
export const euKey = deriveEuKey({ firstSeed: Buffer.alloc(32, 1), secondSeed, realm })
export const credential = new Credential({ pneId: 'meter-017', realm, gateway: home, secondSeed, euKey })

type OfferValues = Parameters<typeof encode<(typeof SessionOffer)['fields']>>[1]
type ResponseValues = Parameters<typeof encode<(typeof AuthenticationResponse)['fields']>>[1]

/** One connection of a device. */
export class Device {
  readonly link: FrameLink<Socket>
  /** What this gateway calls itself. */
  readonly gateway: string
  readonly #issued = {
    identifier: 7,
    idServer: Buffer.from(`cpns-server@${realm}`),
    randServer: randomBytes(32),
    csuiteList: [2, 1],
  }

  constructor(socket: Socket, gateway: string) {
    this.link = new FrameLink(socket, { maxFrameOctets: 4096, transcript: true })
    this.gateway = gateway
  }

  #request: Promise<AuthenticationRequest> | undefined

  /** Step 1, also when it was looked at before. */
  request(): Promise<AuthenticationRequest> {
    this.#request ??= this.link.receive(limits).then((body) => decode(body, AuthenticationRequest))
    return this.#request
  }

  /** One Challenge, and the EAP packet of its answer. */
  async challenge(eap: Uint8Array = this.gpsk1(), gateway = this.gateway, version = 1): Promise<Uint8Array> {
    await this.link.send(encode(Challenge, { version, gateway, eap }))
    return decode(await this.link.receive(limits), ChallengeAnswer).eap
  }

  gpsk1(): Buffer {
    return writeGpsk1(this.#issued)
  }

  /** Steps 4 and 5 of the CPNS Server: GPSK-3, and the MSK. */
  vouch(gpsk2: Uint8Array): { gpsk3: Buffer; msk: Buffer } {
    const message = parseGpsk2(gpsk2)
    const keys = verifyGpsk2(message, deriveGpskPsk(euKey), this.#issued)
    return { gpsk3: writeGpsk3(message, keys), msk: keys.msk }
  }

  /** SessionOffer and step 7. */
  async secure(key: Uint8Array, values: Partial<OfferValues> = {}): Promise<TLSSocket> {
    const offer = await this.offer(values)
    const psk = deriveSessionPsk({ ...offer, key, transcriptHash: this.link.transcriptHash() })
    const identity = Buffer.from(offer.sessionId).toString('base64url')
    return await acceptTlsPsk(this.link.release(), { identity, psk, alpn: Alpn.session, ...limits })
  }

  async offer(values: Partial<OfferValues> = {}): Promise<OfferValues> {
    const offer = { version: 1, gateway: this.gateway, sessionId: randomBytes(16), case: Case.local, ...values }
    await this.link.send(encode(SessionOffer, offer))
    return offer
  }

  async refuse(result: Result): Promise<void> {
    await this.link.send(encode(AuthenticationResponse, { result }))
  }

  /** Step 8. */
  async respond(tls: TLSSocket, values: Partial<ResponseValues> = {}): Promise<FrameLink<TLSSocket>> {
    const link = new FrameLink(tls, { maxFrameOctets: 4096 })
    await link.send(encode(AuthenticationResponse, { result: Result.success, ...values }))
    return link
  }

  /** The whole local case. */
  async local(): Promise<FrameLink<TLSSocket>> {
    await this.request()
    return await this.respond(await this.secure(deriveLocalKey(euKey)))
  }

  /** The whole remote case, GPSK-3 in the SessionOffer as it comes out of `bend`. */
  async remote(bend: (gpsk3: Buffer) => Buffer = (gpsk3) => gpsk3): Promise<FrameLink<TLSSocket>> {
    await this.request()
    const { gpsk3, msk } = this.vouch(await this.challenge())
    const transientKey = deriveTransientKey({ msk, gateway: this.gateway })
    const tls = await this.secure(transientKey, { case: Case.remote, eap: bend(gpsk3) })
    return await this.respond(tls, { lifetimeS: 600 })
  }
}

export type Script = (device: Device) => Promise<unknown>

export interface ScriptedGateway {
  readonly host: string
  readonly port: number
  /** What the scripts failed with: a refused device often is refused in the middle of one. */
  readonly failures: unknown[]
}

/** Listens until the test is over, and plays the script for each connection. */
export async function scriptedGateway(t: TestContext, script: Script, identity = home): Promise<ScriptedGateway> {
  const sockets = new Set<Socket>()
  const failures: unknown[] = []
  const onConnection = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    script(new Device(socket, identity)).catch((error) => failures.push(error))
  }
  const { server, host, port } = await listenTcp(onConnection, { host: '127.0.0.1', port: 0 })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { host, port, failures }
}
