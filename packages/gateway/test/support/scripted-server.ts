// A CPNS Server made of protocol and io alone: proper Hello and TLS, and answers that the test plays.

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Address, acceptTlsPsk, FrameLink, listenTcp } from '@opencpns/io'
import {
  Alpn,
  AuthenticationsReport,
  ChallengeRequest,
  ChallengeResponse,
  decode,
  deriveGatewayPsk,
  encode,
  ForwardedRequest,
  Hello,
  HelloOffer,
  HelloResponse,
  KeyAssignmentRequest,
  KeyConfirmationRequest,
  KeyRetirementRequest,
  type MessageOf,
  Ping,
  Pong,
  Result,
  RevocationNotice,
  RevocationsRequest,
  SERVER_FRAME_MAX_OCTETS,
  TicketResponse,
} from '@opencpns/protocol'

const requests = [
  AuthenticationsReport,
  ChallengeRequest,
  ForwardedRequest,
  KeyAssignmentRequest,
  KeyConfirmationRequest,
  KeyRetirementRequest,
  RevocationsRequest,
  TicketResponse,
  Ping,
  Pong,
] as const
export type ServerRequest = MessageOf<(typeof requests)[number]>

/** Answers with a body, or with nothing. */
type Play = (request: ServerRequest) => Uint8Array | undefined

export interface ScriptedServer {
  readonly address: Address
  readonly requests: ServerRequest[]
  readonly links: FrameLink[]
  play: Play
  revocations: number
  notify(upTo: number): void
  close(): Promise<void>
}

let issued = 0

/** Challenges that nobody had before. */
export const issueChallenges: Play = (request) => {
  if (request.type !== 'ChallengeRequest') return undefined
  const challenges = Array.from({ length: request.count }, () => Buffer.from(`GPSK-1 ${issued++}`))
  return encode(ChallengeResponse, { id: request.id, result: Result.success, challenges, lifetimeS: 300 })
}

interface ServerOptions {
  secret: Uint8Array
  play?: Play
  host?: string
  port?: number
  revocations?: number
  realm?: string
  /** That it chooses, whatever the gateway offers. */
  version?: number
}

export async function startServer(t: TestContext, options: ServerOptions): Promise<ScriptedServer> {
  const {
    secret,
    play = issueChallenges,
    port = 0,
    revocations = 0,
    realm = 'example.org',
    host = '127.0.0.1',
    version = 1,
  } = options
  const sockets = new Set<Socket>()
  const accept = (socket: Socket) => {
    sockets.add(socket)
    serve(socket).catch(() => socket.destroy())
  }
  const serve = async (socket: Socket) => {
    const limits = { timeoutMs: 30_000 }
    const clear = new FrameLink(socket, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS, transcript: true })
    const { gateway } = decode(await clear.receive(limits), Hello)
    const sessionId = randomBytes(16)
    await clear.send(encode(HelloOffer, { version, realm, sessionId }))
    const psk = deriveGatewayPsk({ secret, gateway, transcriptHash: clear.transcriptHash() })
    const identity = sessionId.toString('base64url')
    const tls = await acceptTlsPsk(clear.release(), { identity, psk, alpn: Alpn.server, ...limits })
    const link = new FrameLink(tls, { maxFrameOctets: SERVER_FRAME_MAX_OCTETS })
    await link.send(encode(HelloResponse, { result: Result.success, revocations: server.revocations }))
    server.links.push(link)
    await link.frames((body) => {
      const request = decode(body, ...requests)
      server.requests.push(request)
      const answer = server.play(request)
      if (answer) link.sendSoon(answer)
    })
  }
  const listening = await listenTcp(accept, { host, port })
  let closed: Promise<void> | undefined
  const server: ScriptedServer = {
    address: { host: listening.host, port: listening.port },
    requests: [],
    links: [],
    play,
    revocations,
    notify: (upTo) => {
      for (const link of server.links) link.sendSoon(encode(RevocationNotice, { upTo }))
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      closed ??= new Promise((resolve) => listening.server.close(() => resolve()))
      return closed
    },
  }
  t.after(server.close)
  return server
}
