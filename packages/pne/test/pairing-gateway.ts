// The gateway's side of pairing for a ticket, by a script: it remembers device nonces and assignments as docs/protocol.md
// section 4.3 wants it, and a test may cut the connection at any point.

import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { acceptTlsPsk, FrameLink } from '@opencpns/io'
import {
  Alpn,
  Assignment,
  AssignmentConfirmation,
  AssignmentRequest,
  decode,
  derivePairingPsk,
  encode,
  formatPairingUri,
  PairingOffer,
  PairingRequest,
  PairingResponse,
  type PairingTicket,
  Result,
} from '@opencpns/protocol'
import { type Device, home, limits, realm, type Script, scriptedGateway } from './gateway.ts'

export const points = [
  'connected',
  'requested',
  'offered',
  'secured',
  'nonce received',
  'assigned',
  'confirmed',
  'activated',
] as const
/** How far a pairing gets before the gateway goes away; `end` is all the way. */
export type Point = (typeof points)[number] | 'end'

type Offer = Parameters<typeof encode<(typeof PairingOffer)['fields']>>[1]
type Values = Parameters<typeof encode<(typeof Assignment)['fields']>>[1]

export class PairingGateway {
  readonly ticket: PairingTicket
  readonly uri: string
  /** Device nonces received, in hex, in their order. */
  readonly nonces: string[] = []
  /** Where the next connections are cut. */
  cutAt: Point = 'end'
  /** The gateway holds another secret than the ticket. */
  secret: Uint8Array
  offer: Partial<Offer> = {}
  /** In the place of the assignment. */
  result: Result = Result.success
  /** At the end. */
  finalResult: Result = Result.success
  assignments: Values[] = []
  active = false
  /** What happens there: by default the connection ends. */
  cut = (link: FrameLink): unknown => link.destroy()
  readonly #byNonce = new Map<string, Values>()

  constructor(port: number, options: Partial<PairingTicket> = {}) {
    const expiresAtS = Math.floor(Date.now() / 1000) + 600
    const addresses = [`127.0.0.1:${port}`]
    const [ticketId, secret] = [randomBytes(16), randomBytes(32)]
    this.ticket = { addresses, gateway: home, ticketId, secret, expiresAtS, ...options }
    this.uri = formatPairingUri(this.ticket)
    this.secret = this.ticket.secret
  }

  static async listen(t: TestContext, options: Partial<PairingTicket> = {}): Promise<PairingGateway> {
    let gateway: PairingGateway | undefined
    const script: Script = async (device) => gateway?.pair(device)
    const { port } = await scriptedGateway(t, script)
    gateway = new PairingGateway(port, options)
    return gateway
  }

  async pair({ link }: Device): Promise<unknown> {
    if (this.cutAt === 'connected') return this.cut(link)
    const request = decode(await link.receive(limits), PairingRequest)
    if (this.cutAt === 'requested') return this.cut(link)
    const offer = { version: 1, gateway: home, sessionId: randomBytes(16), ...this.offer }
    await link.send(encode(PairingOffer, offer))
    if (this.cutAt === 'offered') return this.cut(link)
    const known = Buffer.compare(request.ticketId, this.ticket.ticketId) === 0
    const secret = known ? this.secret : randomBytes(32)
    const psk = derivePairingPsk({ secret, gateway: this.ticket.gateway, transcriptHash: link.transcriptHash() })
    const identity = offer.sessionId.toString('base64url')
    const tls = await acceptTlsPsk(link.release(), { identity, psk, alpn: Alpn.pairing, ...limits })
    return this.#assign(new FrameLink(tls, { maxFrameOctets: 4096 }))
  }

  async #assign(link: FrameLink<TLSSocket>): Promise<unknown> {
    if (this.cutAt === 'secured') return this.cut(link)
    const { deviceNonce } = decode(await link.receive(limits), AssignmentRequest)
    const nonce = Buffer.from(deviceNonce).toString('hex')
    this.nonces.push(nonce)
    if (this.cutAt === 'nonce received') return this.cut(link)
    if (this.result !== Result.success) return link.send(encode(PairingResponse, { result: this.result }))
    if (this.active && !this.#byNonce.has(nonce))
      return link.send(encode(PairingResponse, { result: Result.ticketUsed }))
    await link.send(encode(Assignment, this.#assignmentFor(nonce)))
    if (this.cutAt === 'assigned') return this.cut(link)
    decode(await link.receive(limits), AssignmentConfirmation)
    if (this.cutAt === 'confirmed') return this.cut(link)
    this.active = true
    if (this.cutAt === 'activated') return this.cut(link)
    return link.send(encode(PairingResponse, { result: this.finalResult }))
  }

  #assignmentFor(nonce: string): Values {
    const known = this.#byNonce.get(nonce)
    if (known) return known
    const assignment = { pneId: 'meter-017', realm, secondSeed: randomBytes(32), euKey: randomBytes(32) }
    this.#byNonce.clear()
    this.#byNonce.set(nonce, assignment)
    this.assignments.push(assignment)
    return assignment
  }
}
