// How a link to a CPNS Server is made: Hello and HelloOffer in the clear, TLS with the gateway's PSK, HelloResponse (docs/protocol.md
// section 4.4).

import { type Address, connectTcp, connectTlsPsk, FrameLink, formatHostPort } from '@opencpns/io'
import {
  Alpn,
  decode,
  deriveGatewayPsk,
  encode,
  Hello,
  HelloOffer,
  HelloResponse,
  MESSAGE_DEADLINE_MS,
  Result,
  resultName,
  SERVER_FRAME_MAX_OCTETS,
  SERVER_VERSIONS,
} from '@opencpns/protocol'
import type { GatewayCredential } from '../credential.ts'
import { UpstreamError } from './errors.ts'
import { ServerLink, type ServerListener } from './server-link.ts'

interface ServerLinkOptions {
  readonly server: Address
  readonly credential: GatewayCredential
  readonly signal: AbortSignal
  readonly listener: ServerListener
}

/**
 * Connects, and both sides prove the gateway's secret.
 * @throws {UpstreamError} SERVER_REFUSED, SERVER_WRONG; IoError UNREACHABLE, TLS_REFUSED, DEADLINE_EXCEEDED, ABORTED, …
 */
export async function openServerLink({ server, credential, signal, listener }: ServerLinkOptions): Promise<ServerLink> {
  const limits = { timeoutMs: MESSAGE_DEADLINE_MS, signal }
  const socket = await connectTcp({ ...server, ...limits })
  const clear = new FrameLink(socket, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS, transcript: true })
  try {
    await clear.send(encode(Hello, { versions: [...SERVER_VERSIONS], gateway: credential.identity }))
    const offer = decode(await clear.receive(limits), HelloOffer, HelloResponse)
    if (offer.type === 'HelloResponse') throw refused(offer.result)
    if (!SERVER_VERSIONS.includes(offer.version) || offer.realm !== credential.realm) {
      throw new UpstreamError('SERVER_WRONG', `the server serves ${offer.realm}, in version ${offer.version}`)
    }
    const identity = Buffer.from(offer.sessionId).toString('base64url')
    const { secret, identity: gateway } = credential
    const psk = deriveGatewayPsk({ secret, gateway, transcriptHash: clear.transcriptHash() })
    const tls = await connectTlsPsk(clear.release(), { identity, psk, alpn: Alpn.server, ...limits })
    const secure = new FrameLink(tls, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS })
    const response = decode(await secure.receive(limits), HelloResponse)
    if (response.result !== Result.success) throw refused(response.result)
    const { revocations = 0 } = response
    const { version } = offer
    return new ServerLink(secure, { server: formatHostPort(server), version, revocations, listener })
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function refused(result: Result): UpstreamError {
  return new UpstreamError('SERVER_REFUSED', `the server refused this gateway: ${resultName(result)}`)
}
