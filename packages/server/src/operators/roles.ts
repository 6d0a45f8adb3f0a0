// What operators may do.
import type { Role } from '../store/contract-operator.ts'

/** Whoever holds a token. */
export interface Operator {
  /** Of the token. */
  readonly id: string
  readonly name: string
  readonly role: Role
  /** ms since the epoch; null for a token that does not expire. */
  readonly expiresAt: number | null
}

/** Each may do what those before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const satisfies Role[]

export function allows(needed: Role, { role }: Pick<Operator, 'role'>): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}
