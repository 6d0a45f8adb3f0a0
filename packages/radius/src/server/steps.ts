// What happens to a datagram at a RADIUS server, as a list of named steps. Each says how the request goes on:
// to the next step, that it is answered, or why it is discarded in silence (RFC 2865 section 3, RFC 3579 section 3.2).

import { RadiusError } from '../errors.ts'
import { Code, decodePacket, type Packet } from '../packet.ts'
import { isRequestCode } from '../request.ts'
import { encodeResponse, type Response } from '../response.ts'
import { hasValidMessageAuthenticator } from '../rfc3579.ts'
import type { DiscardReason } from './discards.ts'
import type { Duplicates } from './duplicates.ts'
import type { Exchange, KnownClient, RequestContext } from './exchange.ts'

export type Outcome = 'next' | 'answered' | DiscardReason

/** The client with this source address, undefined for a stranger. Asked for each datagram: look it up in memory. */
export type FindClient = (address: string) => KnownClient | undefined | Promise<KnownClient | undefined>

/** Answers an Access-Request; undefined for silence. It may be asynchronous. A RADIUS_MALFORMED that it throws is silence too. */
export type Handler = (request: Packet, context: RequestContext) => Response | undefined | Promise<Response | undefined>

/** What the steps need of the server. */
export interface Desk {
  readonly clients: FindClient
  readonly handle: Handler
  readonly duplicates: Duplicates
  now(): number
}

type Step = (exchange: Exchange, desk: Desk) => Outcome | Promise<Outcome>

const parse: Step = (exchange) => {
  exchange.packet = decodePacket(exchange.datagram)
  return 'next'
}

const checkCode: Step = ({ packet }) => (isRequestCode((packet as Packet).code) ? 'next' : 'not-a-request')

const findClient: Step = (exchange, desk) => {
  const found = exchange.source.client ?? desk.clients(exchange.source.address)
  const enter = (client: KnownClient | undefined): Outcome => {
    if (!client) return 'unknown-client'
    exchange.client = client
    return 'next'
  }
  return found instanceof Promise ? found.then(enter) : enter(found)
}

const checkMessageAuthenticator: Step = (exchange) => {
  const { packet, client } = exchange as Identified
  if (packet.messageAuthenticatorAt === undefined) return 'missing-message-authenticator'
  return hasValidMessageAuthenticator(packet, client.secret) ? 'next' : 'bad-message-authenticator'
}

/** RFC 5997 section 4.2: alive is all there is to say. */
const answerStatus: Step = (exchange) => {
  const { packet, client, source } = exchange as Identified
  if (packet.code !== Code.StatusServer) return 'next'
  source.send(encodeResponse({ code: Code.AccessAccept, attributes: [] }, packet, client.secret))
  return 'answered'
}

const answerDuplicate: Step = (exchange, desk) => {
  const { source, packet } = exchange as Identified
  const place = `${source.address} ${source.port} ${packet.identifier}`
  const begun = desk.duplicates.begin(place, packet.authenticator.toString('latin1'), desk.now())
  if (begun === 'in-progress') return begun
  if (Buffer.isBuffer(begun)) {
    source.send(begun)
    return 'answered'
  }
  exchange.remembered = begun
  return 'next'
}

const handle: Step = (exchange, desk) => {
  const { packet, client, source } = exchange as Identified
  const { transport, address, port, certificate } = source
  const response = desk.handle(packet, { client, transport, address, port, certificate })
  const enter = (response: Response | undefined): Outcome => {
    if (!response) return 'declined'
    exchange.response = response
    return 'next'
  }
  return response instanceof Promise ? response.then(enter) : enter(response)
}

const reply: Step = (exchange, desk) => {
  const { packet, client, source, response, remembered } = exchange as Handled
  const octets = encodeResponse(response, packet, client.secret)
  desk.duplicates.end(remembered, octets, desk.now())
  source.send(octets)
  return 'answered'
}

/** The order of the checks is that of their cost, and nothing is answered before the client has proved that it knows the secret. */
export const steps: readonly Step[] = [
  parse,
  checkCode,
  findClient,
  checkMessageAuthenticator,
  answerStatus,
  answerDuplicate,
  handle,
  reply,
]

type Identified = Exchange & Required<Pick<Exchange, 'packet' | 'client'>>
type Handled = Required<Exchange>

/** Reasons that a well-behaved client never gives: RFC 6613 section 2.6.4 closes its connection. */
export const offences: ReadonlySet<Outcome> = new Set<Outcome>([
  'malformed',
  'not-a-request',
  'missing-message-authenticator',
  'bad-message-authenticator',
])

/** What an exception in a step means: the parsers' own error for a malformed packet, anything else for a failure of ours. */
export function outcomeOf(error: unknown): DiscardReason {
  return error instanceof RadiusError && error.code === 'RADIUS_MALFORMED' ? 'malformed' : 'failed'
}
