// The flow of authentication for one PNE, at the PN GW: steps 1, 2, 3, 6, 7 and 8 of docs/protocol.md section 1. Three ways
// lead to step 7: an EUKey that this gateway assigned (local case), a TK that it still holds, or the CPNS Server (remote case).

import type { Trace } from '@opencpns/io'
import {
  Alpn,
  type AuthenticationRequest,
  AuthenticationResponse,
  Case,
  type CaseName,
  Challenge,
  ChallengeAnswer,
  deriveSessionPsk,
  type KeyUsed,
  peerIdentity,
  Result,
  revocationTag,
  SessionOffer,
} from '@opencpns/protocol'
import type { GatewayParts } from './parts.ts'
import type { PneConnection } from './pne-connection.ts'
import { Refusal } from './refusal.ts'
import type { RegisteredSession } from './registrar.ts'
import { connectService } from './services.ts'

/** What is found out on the way, for the log: it must outlive a refusal. */
export interface AuthenticationFacts {
  readonly trace: Trace
  /** Of the session to be, in base64url. */
  readonly sessionId: string
  case?: CaseName
  /** What step 7 starts from. */
  keyUsed?: keyof typeof KeyUsed
  pneId?: string | undefined
  /** The end user whose PNE it is. */
  user?: string | undefined
  serverRoundTrips: number
}

/** What step 7 starts from, and for whom. */
interface Basis {
  /** Revocation tag of the 2nd seed, 32 octets in hex. */
  readonly tag: string
  readonly case: Case
  /** The local session key or the TK, 32 octets. */
  readonly key: Uint8Array
  readonly pneId: string | undefined
  readonly user: string | undefined
  /** Sessions that the PNE may have at once; undefined for no limit. */
  readonly sessionsMax: number | undefined
  /** What the SessionOffer says beside: GPSK-3, or the TK that is used again. */
  readonly offer: Partial<Pick<SessionOffer, 'eap' | 'transientKeyId'>>
  /** What step 8 says beside, in the remote case: seconds that the TK may serve further sessions. */
  readonly answer: { readonly lifetimeS?: number }
}

/**
 * Authenticates one PNE. When it resolves, to the session, step 8 has told the PNE of its success.
 * @throws {Refusal} with what the PNE is to be told; IoError and ProtocolError of the link; GatewayError DATABASE_…
 */
export async function authenticate(
  pne: PneConnection,
  request: AuthenticationRequest,
  facts: AuthenticationFacts,
  gateway: GatewayParts,
): Promise<RegisteredSession> {
  const { trace } = facts

  // 1: the PNE names itself by its 2nd seed.
  trace.step(1, 'PNE', 'PN GW', 'AuthenticationRequest')
  const version = pne.chooseVersion(request.versions)
  if (gateway.sessions.full) throw new Refusal(Result.busy, 'sessions-full')

  // 2: did this gateway assign its EUKey? Then it is the local case. Or is its TK still held?
  const held = assignedKey(pne, request, facts, gateway) ?? heldTransientKey(pne, request, facts, gateway)

  checkVisitors(held, gateway)

  // 3 to 6: otherwise the CPNS Server and the PNE authenticate each other, and the server hands over the TK.
  const basis = held ?? (await vouchedFor(pne, request, version, facts, gateway))
  facts.pneId = basis.pneId
  facts.user = basis.user

  // 7: PNE and gateway prove the key to each other, and the connection becomes the secure session.
  const sessionId = Buffer.from(facts.sessionId, 'base64url')
  const { identity } = gateway
  await pne.send(SessionOffer, { version, gateway: identity, sessionId, case: basis.case, ...basis.offer })
  const transcriptHash = pne.transcriptHash()
  const psk = deriveSessionPsk({ key: basis.key, case: basis.case, gateway: identity, sessionId, transcriptHash })
  await pne.secure({ identity: facts.sessionId, psk, alpn: Alpn.session })
  trace.step(7, 'PNE', 'PN GW', `TLS handshake, PSK from the ${basis.case === Case.local ? 'EUKey' : 'TK'}`)
  keepTransientKey(request, basis, gateway)
  noteKey(request, basis, gateway)
  const presence = request.service === undefined
  const session = { pne: basis.pneId ?? basis.tag, sessionId, secondSeed: request.secondSeed, case: basis.case }
  pne.begin({ pne: session.pne, presence, max: basis.sessionsMax }, gateway.sessions)
  if (request.service !== undefined) {
    const identity = peerIdentity(request.secondSeed, gateway.realm)
    const customer = { ...pne.ends, identity, sessionId: facts.sessionId, pneId: basis.pneId, user: basis.user }
    pne.service = await connectService(gateway.services, request.service, customer)
  }

  // 8: the result, inside the secure session.
  await pne.send(AuthenticationResponse, { result: Result.success, ...basis.answer })
  trace.step(8, 'PN GW', 'PNE', 'AuthenticationResponse')
  return session
}

/** A gateway that takes no visitors serves the PNEs that it paired itself, and nobody else. @throws {Refusal} */
function checkVisitors(held: Basis | undefined, { policy }: GatewayParts): void {
  if (held?.case === Case.local || policy.current.visitors) return
  throw new Refusal(Result.authenticationFailed, 'no-visitors')
}

/** Step 2, local case. */
function assignedKey(
  pne: PneConnection,
  { secondSeed }: AuthenticationRequest,
  facts: AuthenticationFacts,
  { keys, sessions, policy }: GatewayParts,
): Basis | undefined {
  const key = keys.find(secondSeed)
  if (!key) return undefined
  pne.tieTo(key.tag, sessions)
  facts.case = 'local'
  facts.keyUsed = 'euKey'
  facts.trace.step(2, 'PN GW', 'PN GW', 'EUKey found: local case')
  const { localKey, tag, pneId, user } = key
  const { sessionsMax } = policy.current
  return { case: Case.local, key: localKey, tag, pneId, user, sessionsMax, offer: {}, answer: {} }
}

/** Step 2, remote case without the server: the PNE names a TK that is held for it. */
function heldTransientKey(
  pne: PneConnection,
  { secondSeed, transientKeyId }: AuthenticationRequest,
  facts: AuthenticationFacts,
  { transientKeys, sessions }: GatewayParts,
): Basis | undefined {
  const key = transientKeyId && transientKeys.find(transientKeyId, secondSeed)
  if (!key) return undefined
  pne.tieTo(key.tag, sessions)
  facts.case = 'remote'
  facts.keyUsed = 'heldTransientKey'
  facts.trace.step(2, 'PN GW', 'PN GW', 'TK found: remote case without the server')
  const { transientKey, leftS: lifetimeS, tag, pneId, user, sessionsMax } = key
  const pneFacts = { tag, pneId, user, sessionsMax }
  return { case: Case.remote, key: transientKey, ...pneFacts, offer: { transientKeyId }, answer: { lifetimeS } }
}

/** Steps 3 to 6. The upstream says what to ask the PNE; how often is its affair. */
async function vouchedFor(
  pne: PneConnection,
  { secondSeed, realm }: AuthenticationRequest,
  version: number,
  facts: AuthenticationFacts,
  { identity, upstream, sessions }: GatewayParts,
): Promise<Basis> {
  const tag = revocationTag(secondSeed).toString('hex')
  pne.tieTo(tag, sessions)
  facts.case = 'remote'
  facts.trace.step(2, 'PN GW', 'PN GW', 'EUKey not found: remote case')
  const verdict = await upstream.authenticate({
    secondSeed,
    realm,
    sessionId: facts.sessionId,
    get traceparent() {
      return facts.trace.traceparent
    },
    challenge: async (eap) => {
      await pne.send(Challenge, { version, gateway: identity, eap })
      return (await pne.receive(ChallengeAnswer)).eap
    },
    step: (step, message) => {
      if (step === 3) facts.trace.step(3, 'PN GW', 'CPNS Server', message)
      else facts.trace.step(6, 'CPNS Server', 'PN GW', message)
    },
  })
  facts.serverRoundTrips = verdict.serverRoundTrips
  if (verdict.result !== Result.success) throw new Refusal(verdict.result, verdict.reason)
  facts.keyUsed = 'transientKey'
  const { transientKey, eap, lifetimeS, pneId, user, sessionsMax } = verdict
  const pneFacts = { tag, pneId, user, sessionsMax }
  return { case: Case.remote, key: transientKey, ...pneFacts, offer: eap ? { eap } : {}, answer: { lifetimeS } }
}

/** The PNE has proved a key. If it is a new one, a rotation goes on. */
function noteKey({ secondSeed }: AuthenticationRequest, basis: Basis, { rotations }: GatewayParts): void {
  if (basis.case === Case.local) rotations.used(secondSeed)
  else if (!basis.offer.transientKeyId) rotations.vouched(secondSeed)
}

/** The TK is of use later only once the PNE has proved that it has it. */
function keepTransientKey({ secondSeed }: AuthenticationRequest, basis: Basis, { transientKeys }: GatewayParts): void {
  const { key, pneId, user, sessionsMax, offer, answer } = basis
  if (answer.lifetimeS === undefined || offer.transientKeyId) return
  transientKeys.add({ transientKey: key, secondSeed, pneId, user, sessionsMax, lifetimeS: answer.lifetimeS })
}
