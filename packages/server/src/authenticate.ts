// Steps 4 to 6: one request of a gateway in, one response out, and nothing remembered between two of them.
// Why a PNE was refused goes to the event log and the log; gateway and PNE learn only that it was.

import { randomBytes } from 'node:crypto'
import { EapError, type GpskKeys, parseGpsk2, verifyGpsk2, writeGpsk3 } from '@opencpns/eap'
import { type Logger, Trace } from '@opencpns/io'
import {
  deriveEuKey,
  deriveGpskPsk,
  deriveTransientKey,
  type ForwardedRequest,
  type ForwardedResponse,
  peerIdentity,
  Result,
  TRANSIENT_KEY_LIFETIME_S,
} from '@opencpns/protocol'
import type { Challenges } from './challenges.ts'
import type { EventLog } from './events.ts'
import type { Peer, Registry } from './registry.ts'

/** What authentication needs. All of it is shared by all links, none of it belongs to one authentication. */
export interface AuthenticationContext {
  readonly realm: string
  readonly registry: Pick<Registry, 'findPeer'>
  readonly challenges: Challenges
  readonly events: EventLog
  readonly logger: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Why a PNE was refused. Stable, for logs and events. */
export type RefusalReason =
  | 'CHALLENGE_EXPIRED'
  | 'CHALLENGE_FORGED'
  | 'IDENTITY_MISMATCH'
  | 'UNKNOWN_PNE'
  | 'PNE_PENDING'
  | 'PNE_REVOKED'
  | EapError['code']

class Refusal extends Error {
  readonly reason: RefusalReason
  readonly result: Result

  constructor(reason: RefusalReason, result: Result = Result.authenticationFailed) {
    super(reason)
    this.reason = reason
    this.result = result
  }
}

/** Stands in for the 1st seed of a PNE that does not exist, so that it costs as much as one with a wrong key. */
const DECOY_SEED = randomBytes(32)

/**
 * Authenticates the PNE that a gateway forwarded.
 * @param gateway identity of the gateway as it proved it on its link: what the TK is bound to
 */
export async function authenticate(
  request: ForwardedRequest,
  gateway: string,
  context: AuthenticationContext,
): Promise<Omit<ForwardedResponse, 'type'>> {
  const trace = new Trace()
  let peer: Peer | undefined
  try {
    // Step 3 arrived: a challenge of ours for this gateway, and the PNE's answer to it.
    const issued = checkChallenge(request, gateway, context)
    const gpsk2 = parseGpsk2(request.eap)

    // Step 4: the EUKey, from the 2nd seed in the message and the 1st seed that we already have.
    peer = await context.registry.findPeer(request.secondSeed)
    const { secondSeed } = request
    const euKey = deriveEuKey({ firstSeed: peer?.firstSeed ?? DECOY_SEED, secondSeed, realm: context.realm })
    trace.step(4, 'CPNS Server', 'CPNS Server', 'EUKey = KDF(1st seed, 2nd seed)')

    // Step 5: with the EUKey as pre-shared key, PNE and server authenticate each other and share a transient key.
    const psk = deriveGpskPsk(euKey)
    const keys: GpskKeys = verifyGpsk2(gpsk2, peer && psk, issued)
    checkPeer(peer, gpsk2.idPeer, peerIdentity(secondSeed, context.realm))
    const gpsk3 = writeGpsk3(gpsk2, keys)
    const transientKey = deriveTransientKey({ msk: keys.msk, gateway })
    trace.step(5, 'PNE', 'CPNS Server', 'EAP-GPSK')

    // Step 6: the result and, on success, the transient key.
    report(context, { result: 'accepted', gateway, peer, trace })
    return {
      id: request.id,
      result: Result.success,
      eap: gpsk3,
      transientKey,
      lifetimeS: TRANSIENT_KEY_LIFETIME_S,
      pneId: peer.pneId,
      user: peer.user,
    }
  } catch (error) {
    const refusal = asRefusal(error)
    report(context, { result: 'refused', reason: refusal.reason, gateway, peer, trace })
    return { id: request.id, result: refusal.result }
  }
}

function checkChallenge({ challenge }: ForwardedRequest, gateway: string, { challenges, now }: AuthenticationContext) {
  const checked = challenges.check(challenge, gateway, Math.floor(now() / 1000))
  if (checked.verdict === 'valid') return checked.issued
  const reason = checked.verdict === 'expired' ? 'CHALLENGE_EXPIRED' : 'CHALLENGE_FORGED'
  throw new Refusal(reason, Result.challengeRefused)
}

/** Only after the proof: a stranger must not learn from the time it takes what exists or was revoked. */
function checkPeer(peer: Peer | undefined, idPeer: Uint8Array, identity: string): asserts peer is Peer {
  if (peer === undefined) throw new Refusal('UNKNOWN_PNE')
  if (Buffer.from(identity).compare(idPeer) !== 0) throw new Refusal('IDENTITY_MISMATCH')
  if (peer.state === 'revoked') throw new Refusal('PNE_REVOKED')
  if (peer.state !== 'active') throw new Refusal('PNE_PENDING')
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof EapError) return new Refusal(error.code === 'EAP_UNKNOWN_PEER' ? 'UNKNOWN_PNE' : error.code)
  throw error
}

interface Outcome {
  readonly result: 'accepted' | 'refused'
  readonly reason?: RefusalReason
  readonly gateway: string
  readonly peer: Peer | undefined
  readonly trace: Trace
}

function report({ events, logger }: AuthenticationContext, { result, reason, gateway, peer, trace }: Outcome): void {
  const { pneId, user } = peer ?? {}
  events.record({ type: 'authentication', case: 'remote', result, reason, gateway, pneId, user, ms: trace.ms })
  const facts = { event: 'authentication', result, reason, gateway, pneId, steps: trace.steps }
  logger.info(facts, result === 'accepted' ? 'a PNE was authenticated' : 'a PNE was refused')
}
