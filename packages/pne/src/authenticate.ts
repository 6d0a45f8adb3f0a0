// The device's side of an authentication: docs/protocol.md sections 1, 4.1 and 9. Steps 2, 3, 4 and 6 happen elsewhere.
// Whatever goes wrong throws, and nothing is changed by it: until step 7 all that comes may be forged.

import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Code, GpskPeer, Type } from '@opencpns/eap'
import { connectTlsPsk, FrameLink, IoError, type Limits, type Party } from '@opencpns/io'
import {
  Alpn,
  AuthenticationRequest,
  AuthenticationResponse,
  Case,
  Challenge,
  ChallengeAnswer,
  decode,
  deriveGpskPsk,
  deriveLocalKey,
  deriveSessionPsk,
  deriveTransientKey,
  encode,
  PNE_FRAME_MAX_OCTETS,
  peerIdentity,
  Result,
  SessionOffer,
  transientKeyId,
  VERSIONS,
} from '@opencpns/protocol'
import type { Credential } from './credential.ts'
import { authenticationFailed, refusedInsideTls, refusedInTheClear, violation } from './errors.ts'
import type { HeldTransientKey } from './transientKeys.ts'

const CHALLENGES_MAX = 4

/** Who the device is in this flow: a credential with one key. */
type Identity = Pick<Credential, 'realm' | 'gateway' | 'secondSeed' | 'euKey'>

interface AuthenticationOptions {
  readonly credential: Identity
  readonly service: string | undefined
  /** Of the trace that the device records, if it does: docs/protocol.md section 4.1. */
  readonly traceparent?: string | undefined
  /** The TK that this gateway may still hold too. */
  readonly held: HeldTransientKey | undefined
  /** What is left of the time for the whole flow. */
  readonly limits: () => Limits
  readonly trace: (step: number, from: Party, to: Party, message: string) => void
}

interface Authenticated {
  /** Inside TLS, just after step 8. */
  readonly link: FrameLink<TLSSocket>
  readonly offer: SessionOffer
  /** The TK of the remote case, 32 octets, and the seconds that it serves further sessions. */
  readonly transientKey: Uint8Array | undefined
  readonly lifetimeS: number | undefined
}

/**
 * Authenticates the device and the gateway to each other over a TCP connection, and secures it.
 * @throws {PneError} AUTHENTICATION_FAILED, PROTOCOL_VIOLATION, and what a gateway may answer
 * @throws {ProtocolError} a malformed or unexpected message
 * @throws {IoError} what the connection did
 */
export async function authenticate(socket: Socket, options: AuthenticationOptions): Promise<Authenticated> {
  const { credential, service, held, limits, trace, traceparent } = options
  const link = new FrameLink(socket, { maxFrameOctets: PNE_FRAME_MAX_OCTETS, transcript: true })

  // Step 1: who we are, what for, and the TK that we still hold.
  const { secondSeed, realm } = credential
  const named = {
    ...(service !== undefined && { service }),
    ...(held && { transientKeyId: transientKeyId(held.key) }),
    ...(traceparent !== undefined && { traceparent }),
  }
  await link.send(encode(AuthenticationRequest, { versions: [...VERSIONS], secondSeed, realm, ...named }), limits())
  trace(1, 'PNE', 'PN GW', 'AuthenticationRequest')
  let answer = await receiveInTheClear(link, limits())

  // Step 5: in the remote case, EAP-GPSK with the CPNS Server, through the gateway.
  let challenged: Challenged | undefined
  for (let count = 1; answer.type === 'Challenge'; count++) {
    if (count > CHALLENGES_MAX) throw violation(`more than ${CHALLENGES_MAX} Challenges`)
    challenged ??= { gateway: answer.gateway, peer: eapPeer(credential) }
    if (answer.gateway !== challenged.gateway) throw authenticationFailed('the gateway changed its identity')
    trace(5, 'PN GW', 'PNE', 'Challenge')
    await link.send(encode(ChallengeAnswer, { eap: answerTo(challenged.peer, answer.eap) }), limits())
    trace(5, 'PNE', 'PN GW', 'ChallengeAnswer')
    answer = await receiveInTheClear(link, limits())
  }
  if (answer.type === 'AuthenticationResponse') throw refusedInTheClear(answer.result)
  const offer = answer
  trace(offer.eap ? 5 : 7, 'PN GW', 'PNE', 'SessionOffer')
  const key = sessionKey(offer, { credential, challenged, held })

  // Step 7: both sides prove the key that they share, and all that was said in the clear.
  const psk = deriveSessionPsk({ ...offer, key, transcriptHash: link.transcriptHash() })
  const identity = Buffer.from(offer.sessionId).toString('base64url')
  const tls = await connectTlsPsk(link.release(), { identity, psk, alpn: Alpn.session, ...limits() })
  trace(7, 'PNE', 'PN GW', 'TLS 1.3 handshake')

  // Step 8: the gateway's word, now a fact.
  const secured = new FrameLink(tls, { maxFrameOctets: PNE_FRAME_MAX_OCTETS })
  const response = decode(await receiveStep8(secured, limits()), AuthenticationResponse)
  trace(8, 'PN GW', 'PNE', 'AuthenticationResponse')
  if (response.result !== Result.success) throw refusedInsideTls(response.result)
  const transientKey = offer.case === Case.remote ? key : undefined
  return { link: secured, offer, transientKey, lifetimeS: transientKey && response.lifetimeS }
}

async function receiveInTheClear(link: FrameLink, limits: Limits) {
  const answer = decode(await link.receive(limits), Challenge, SessionOffer, AuthenticationResponse)
  if (answer.type !== 'AuthenticationResponse' && !VERSIONS.includes(answer.version)) {
    throw violation(`version ${answer.version}, which was not offered`)
  }
  return answer
}

/** What our EAP peer answers. Where RFC 5433 would discard in silence, nothing better can come: the flow ends. @throws {PneError} AUTHENTICATION_FAILED */
export function answerTo(peer: GpskPeer, packet: Uint8Array): Uint8Array {
  if (packet[0] !== Code.Request || packet[4] !== Type.Gpsk) throw authenticationFailed('not a Request of EAP-GPSK')
  const step = peer.receive(packet, Date.now())
  if (step.do === 'send') return step.packet
  throw authenticationFailed(step.do === 'succeed' ? 'EAP-GPSK is over' : step.error)
}

/** EAP-GPSK under way, and the gateway that its Challenges came from. */
interface Challenged {
  readonly gateway: string
  readonly peer: GpskPeer
}

/** Our side of EAP-GPSK, in one flow. */
export function eapPeer({ secondSeed, realm, euKey }: Identity): GpskPeer {
  return new GpskPeer({ idPeer: peerIdentity(secondSeed, realm), psk: deriveGpskPsk(euKey) })
}

interface Grounds {
  readonly credential: Identity
  readonly challenged: Challenged | undefined
  readonly held: HeldTransientKey | undefined
}

/** The key that step 7 starts from: the checks of docs/protocol.md section 4.1. */
function sessionKey(offer: SessionOffer, { credential, challenged, held }: Grounds): Uint8Array {
  if (offer.case === Case.local) {
    if (challenged) throw authenticationFailed('the local case after a Challenge')
    if (offer.gateway !== credential.gateway) throw authenticationFailed('the local case at another gateway')
    if (offer.eap || offer.transientKeyId) throw authenticationFailed('the local case with a part of the remote one')
    return deriveLocalKey(credential.euKey)
  }
  return challenged ? freshKey(offer, challenged) : heldKey(offer, held)
}

/** The TK that we named in step 1. */
function heldKey(offer: SessionOffer, held: HeldTransientKey | undefined): Uint8Array {
  if (!held || !offer.transientKeyId || offer.eap) throw authenticationFailed('the remote case without EAP-GPSK')
  if (offer.gateway !== held.gateway) throw authenticationFailed('the TK belongs to another gateway')
  if (Buffer.compare(offer.transientKeyId, transientKeyId(held.key)) !== 0) throw authenticationFailed('another TK')
  return held.key
}

/** The TK of EAP-GPSK. GPSK-3, the server's proof, came in a Challenge or comes now. */
function freshKey(offer: SessionOffer, { gateway, peer }: Challenged): Uint8Array {
  if (offer.gateway !== gateway) throw authenticationFailed('the gateway changed its identity')
  if (offer.transientKeyId) throw authenticationFailed('a held TK after a Challenge')
  if (offer.eap && peer.keys) throw authenticationFailed('EAP-GPSK was over already')
  if (offer.eap) answerTo(peer, offer.eap) // GPSK-4: step 7 takes its place
  if (!peer.keys) throw authenticationFailed('the CPNS Server has not proved itself')
  return deriveTransientKey({ msk: peer.keys.msk, gateway })
}

/** A gateway that ends the connection instead of step 8 refuses, as by an alert. */
async function receiveStep8(link: FrameLink, limits: Limits): Promise<Buffer> {
  try {
    return await link.receive(limits)
  } catch (error) {
    if (error instanceof IoError && error.code === 'LINK_CLOSED') throw authenticationFailed(error)
    throw error
  }
}
