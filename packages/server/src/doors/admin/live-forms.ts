// What goes on in its public form.
import type { Known } from '../../live/parts.ts'
import type { Second } from '../../live/rates.ts'
import { type AuthenticationView, view } from '../../live/view.ts'

export function second({ at, ...counts }: Second) {
  return { at: new Date(at * 1000).toISOString(), ...counts }
}

/** A refused authentication in short. */
export function refusal(
  known: Known,
): Pick<AuthenticationView, 'id' | 'at' | 'case' | 'gateway' | 'pne' | 'reason' | 'session'> {
  const { id, at, case: which, gateway, pne, reason, session } = view(known, null)
  return { id, at, case: which, gateway, pne, reason, session }
}
