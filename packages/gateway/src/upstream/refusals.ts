// What the PNE hears when the CPNS Server refuses, or gives no answer.

import { Result, resultName } from '@opencpns/protocol'
import { UpstreamError } from './errors.ts'
import type { Refused } from './upstream.ts'

/** A success without what belongs to it. */
export const incomplete: Refused = { result: Result.serverUnreachable, reason: 'server-response-incomplete' }

/** That the gateway itself did wrong is not the PNE's affair. */
export function refusal(result: Exclude<Result, typeof Result.success>): Refused {
  const reason = `server-${resultName(result)}`
  const busy = result === Result.busy || result === Result.challengeRefused
  return { result: busy ? Result.busy : Result.authenticationFailed, reason }
}

/** @throws the error, when it is not about the server */
export function unanswered(error: unknown): Refused {
  if (error instanceof UpstreamError) {
    const result = error.code === 'TOO_MANY_REQUESTS' ? Result.busy : Result.serverUnreachable
    return { result, reason: error.code.toLowerCase().replaceAll('_', '-') }
  }
  throw error
}
