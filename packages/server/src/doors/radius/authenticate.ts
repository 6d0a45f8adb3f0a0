// Steps 3 to 6 by RADIUS: the access point is the PN GW and carries all four messages of EAP-GPSK (RFC 5433) to the server.
// Three Access-Requests, each answered on its own; what the next one needs is in State, none of it in memory.
//
// Every refusal is an Access-Reject with EAP-Failure, at once. RFC 5433 section 10 would have GPSK-Fail first, which stock
// devices (wpa_supplicant) leave unanswered: they would hang where they can be told.

import {
  awaitGpsk4,
  decodePacket,
  Code as EapCode,
  EapError,
  identityRequest,
  nextIdentifier,
  OpCode,
  opCodeOf,
  parseGpsk2,
  success,
  Type,
  type TypedPacket,
  verifyGpsk4,
  writeGpsk1,
  writeGpsk3,
} from '@opencpns/eap'
import { Trace } from '@opencpns/io'
import { parsePeerIdentity, TRANSIENT_KEY_LIFETIME_S } from '@opencpns/protocol'
import {
  Code,
  type Packet,
  type Response,
  SessionTimeout,
  splitEapMessage,
  TerminationAction,
  UserName,
} from '@opencpns/radius'
import type { AuthenticationContext } from '../../authenticate.ts'
import { checkActive, checkAdmitted, findClaimant, verifyClaimant } from '../../claimant.ts'
import { asRefusal, Refusal } from '../../refusal.ts'
import type { Peer } from '../../registry.ts'
import { report } from '../../report.ts'
import type { Conversations } from './conversations.ts'
import { methodRefused } from './methods.ts'
import { type AccessRequest, challenge, readRequest, reject, stationFacts } from './request.ts'

export interface RadiusContext extends AuthenticationContext {
  readonly conversations: Conversations
}

/** A request under way, and what is known of it so far. */
interface Attempt extends AccessRequest {
  readonly trace: Trace
  peer: Peer | undefined
}

/** When the time of the session is over, authenticate again (RFC 2865 section 5.29): a revoked PNE then stays out. */
const AUTHENTICATE_AGAIN = TerminationAction.of(1)

/**
 * Answers an Access-Request.
 * @param gateway identity of the gateway as its shared secret or its certificate proved it
 * @throws what is a failure of ours: to be met with silence, so that the access point asks another server
 */
export function authenticate(packet: Packet, gateway: string, context: RadiusContext): Response | Promise<Response> {
  const attempt: Attempt = { ...readRequest(packet, gateway), trace: new Trace(), peer: undefined }
  try {
    const answer = answerTo(attempt, context)
    return answer instanceof Promise ? answer.catch((error) => refuse(attempt, error, context)) : answer
  } catch (error) {
    return refuse(attempt, error, context)
  }
}

function answerTo(attempt: Attempt, context: RadiusContext): Response | Promise<Response> {
  const { eap } = attempt
  if (eap === undefined) throw new Refusal('EAP_MISSING', { detail: 'the access point asks without EAP: set 802.1X' })
  if (eap.length === 0) return challenge(identityRequest(0)) // EAP-Start: RFC 3579 section 2.1
  const response = decodePacket(eap)
  if (response.code !== EapCode.Response) throw new EapError('EAP_UNEXPECTED', 'Not an EAP-Response')
  if (response.type === Type.Identity) return sendChallenge(attempt, response, context)
  if (response.type === Type.Nak) throw methodRefused(response)
  if (response.type === Type.Gpsk) {
    const opCode = opCodeOf(response)
    if (opCode === OpCode.Gpsk2) return sendProof(attempt, eap, context)
    if (opCode === OpCode.Gpsk4) return accept(attempt, eap, context)
  }
  throw new EapError('EAP_UNEXPECTED', 'Not a message that may come from a peer')
}

/** EAP-Response/Identity in, GPSK-1 out. RAND_Server certifies itself, for this gateway and this PNE, and is State too. */
function sendChallenge(attempt: Attempt, { identifier, data }: TypedPacket, context: RadiusContext): Response {
  readSecondSeed(attempt, context)
  if (Buffer.compare(data, Buffer.from(attempt.userName)) !== 0) throw new Refusal('IDENTITY_MISMATCH')
  const gpsk1 = context.challenges.make(scopeOf(attempt), nextIdentifier(identifier), secondsOf(context))
  return challenge(writeGpsk1(gpsk1), Buffer.from(gpsk1.randServer))
}

/** GPSK-2 in, GPSK-3 out. */
async function sendProof(attempt: Attempt, eap: Buffer, context: RadiusContext): Promise<Response> {
  // Step 3 arrived: the answer to a challenge of ours, for this gateway and this PNE.
  const secondSeed = readSecondSeed(attempt, context)
  const gpsk2 = parseGpsk2(eap)
  const issued = checkChallenge(attempt, gpsk2.identifier, context)

  // Step 4: the EUKey, from the 2nd seed in User-Name and the 1st seed that we already have.
  const claimant = await findClaimant(secondSeed, context)
  attempt.peer = claimant.peer
  attempt.trace.step(4, 'CPNS Server', 'CPNS Server', 'EUKey = KDF(1st seed, 2nd seed)')

  // Step 5, first half: the PNE has proved itself, and gets the server's proof.
  const { keys } = verifyClaimant(claimant, gpsk2, issued)
  const state = context.conversations.seal(awaitGpsk4(gpsk2, keys), scopeOf(attempt), secondsOf(context))
  return challenge(writeGpsk3(gpsk2, keys), state)
}

/** GPSK-4 in, Access-Accept out. */
async function accept(attempt: Attempt, eap: Buffer, context: RadiusContext): Promise<Response> {
  // Step 5, second half: the PNE has accepted the server's proof. It may have been revoked since its own.
  const secondSeed = readSecondSeed(attempt, context)
  if (attempt.state === undefined) throw new Refusal('STATE_FORGED')
  const awaited = context.conversations.open(attempt.state, scopeOf(attempt), secondsOf(context))
  verifyGpsk4(eap, awaited)
  attempt.peer = await context.registry.findPeer(secondSeed)
  checkActive(attempt.peer)
  await checkAdmitted(attempt.peer, attempt.gateway, context)
  attempt.trace.step(5, 'PNE', 'CPNS Server', 'EAP-GPSK')

  // Step 6: the result, and the MSK, from which PNE and access point go on to step 7 in their own way.
  const { peer, gateway, trace, userName } = attempt
  report(context, { door: 'radius', result: 'accepted', gateway, peer, trace, facts: stationFacts(attempt) })
  const lifetime = SessionTimeout.of(context.transientKeyLifetimeS ?? TRANSIENT_KEY_LIFETIME_S)
  const end = splitEapMessage(success(awaited.identifier))
  const attributes = [UserName.of(userName), lifetime, AUTHENTICATE_AGAIN, ...end]
  return { code: Code.AccessAccept, attributes, msk: awaited.msk }
}

function refuse(attempt: Attempt, error: unknown, context: RadiusContext): Response {
  const { reason, detail } = asRefusal(error)
  const { gateway, peer, trace } = attempt
  const facts = { ...stationFacts(attempt), ...(detail !== undefined && { detail }) }
  report(context, { door: 'radius', result: 'refused', reason, gateway, peer, trace, facts })
  return reject(attempt)
}

/** @throws {Refusal} IDENTITY_INVALID */
function readSecondSeed({ userName }: Attempt, { realm }: RadiusContext): Buffer {
  const identity = parsePeerIdentity(userName)
  if (identity?.realm === realm) return identity.secondSeed
  throw new Refusal('IDENTITY_INVALID', { detail: `User-Name is not the identity of a device of ${realm}` })
}

/** @throws {Refusal} CHALLENGE_EXPIRED, CHALLENGE_FORGED */
function checkChallenge(attempt: Attempt, identifier: number, context: RadiusContext) {
  const { state = Buffer.alloc(0) } = attempt
  const checked = context.challenges.checkRand(state, scopeOf(attempt), identifier, secondsOf(context))
  if (checked.verdict === 'valid') return checked.issued
  throw new Refusal(checked.verdict === 'expired' ? 'CHALLENGE_EXPIRED' : 'CHALLENGE_FORGED')
}

/** Whom a conversation belongs to. Neither part can hold a space. */
function scopeOf({ gateway, userName }: Attempt): string {
  return `${gateway} ${userName}`
}

function secondsOf({ now }: RadiusContext): number {
  return Math.floor(now() / 1000)
}
