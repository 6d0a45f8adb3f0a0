// Steps 4 to 6: one request of a gateway in, one response out, and nothing remembered between two of them.

import { parseGpsk2, writeGpsk3 } from '@opencpns/eap'
import { Trace } from '@opencpns/io'
import {
  deriveTransientKey,
  type ForwardedRequest,
  type ForwardedResponse,
  Result,
  TRANSIENT_KEY_LIFETIME_S,
} from '@opencpns/protocol'
import type { Challenges } from './challenges.ts'
import { checkAdmitted, findClaimant, verifyClaimant } from './claimant.ts'
import { asRefusal, Refusal } from './refusal.ts'
import type { Peer, Registry } from './registry.ts'
import { type Observers, report } from './report.ts'

/** What authentication needs. All of it is shared by all links, none of it belongs to one authentication. */
export interface AuthenticationContext extends Observers {
  readonly realm: string
  readonly registry: Pick<Registry, 'findPeer' | 'policies'>
  readonly challenges: Challenges
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For how long a TK serves further sessions at its gateway; 3,600 s unless told. */
  readonly transientKeyLifetimeS?: number | undefined
}

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
  const { sessionId, traceparent } = request
  let peer: Peer | undefined
  try {
    // Step 3 arrived: a challenge of ours for this gateway, and the PNE's answer to it.
    const issued = checkChallenge(request, gateway, context)
    const gpsk2 = parseGpsk2(request.eap)

    // Step 4: the EUKey, from the 2nd seed in the message and the 1st seed that we already have.
    const claimant = await findClaimant(request.secondSeed, context)
    peer = claimant.peer
    trace.step(4, 'CPNS Server', 'CPNS Server', 'EUKey = KDF(1st seed, 2nd seed)')

    // Step 5: with the EUKey as pre-shared key, PNE and server authenticate each other and share a transient key.
    const { peer: pne, keys } = verifyClaimant(claimant, gpsk2, issued)
    const sessionsMax = await checkAdmitted(pne, gateway, context)
    const gpsk3 = writeGpsk3(gpsk2, keys)
    const transientKey = deriveTransientKey({ msk: keys.msk, gateway })
    trace.step(5, 'PNE', 'CPNS Server', 'EAP-GPSK')

    // Step 6: the result and, on success, the transient key.
    report(context, { result: 'accepted', gateway, sessionId, traceparent, peer: pne, trace })
    return {
      id: request.id,
      result: Result.success,
      eap: gpsk3,
      transientKey,
      lifetimeS: context.transientKeyLifetimeS ?? TRANSIENT_KEY_LIFETIME_S,
      pneId: pne.pneId,
      user: pne.user,
      ...(sessionsMax !== undefined && { sessionsMax }),
    }
  } catch (error) {
    const { reason, result } = asRefusal(error)
    report(context, { result: 'refused', reason, gateway, sessionId, traceparent, peer, trace })
    return { id: request.id, result }
  }
}

function checkChallenge({ challenge }: ForwardedRequest, gateway: string, { challenges, now }: AuthenticationContext) {
  const checked = challenges.check(challenge, gateway, Math.floor(now() / 1000))
  if (checked.verdict === 'valid') return checked.issued
  const reason = checked.verdict === 'expired' ? 'CHALLENGE_EXPIRED' : 'CHALLENGE_FORGED'
  throw new Refusal(reason, { result: Result.challengeRefused })
}
