// What goes on in its public form.
import type { Second } from '../../live/rates.ts'
import type { AuthenticationView } from '../../live/view.ts'

export function second({ at, ...counts }: Second) {
  return { at: new Date(at * 1000).toISOString(), ...counts }
}

/** A refused authentication in short. */
export function refusal(
  of: AuthenticationView,
): Pick<AuthenticationView, 'id' | 'at' | 'case' | 'gateway' | 'pne' | 'pneName' | 'reason' | 'session'> {
  const { id, at, case: which, gateway, pne, pneName, reason, session } = of
  return { id, at, case: which, gateway, pne, pneName, reason, session }
}
