// Rows of the store in the form that the admin API shows them in: times as ISO 8601, octets as base64url, nothing sealed.
import type { EventRow } from '../../events.ts'
import type {
  GatewayRow,
  GenerationRow,
  PneRow,
  RegistrationRow,
  Registry,
  UserPolicy,
  UserRow,
} from '../../registry.ts'

export function user(row: Omit<UserRow, 'roaming' | 'sessionsMax'>) {
  const { name, generation, createdAt, removedAt } = row
  return { name, generation, created: time(createdAt), removed: time(removedAt) }
}

export async function userDetails({ roaming, gateways, sessionsMax, ...row }: UserPolicy, { generations }: Registry) {
  const all = await generations.list(row.name)
  return { ...user(row), generations: all.map(generation), policy: { roaming, gateways, sessionsMax } }
}

function generation({ createdAt, ...row }: GenerationRow) {
  return { ...row, created: time(createdAt) }
}

export function gateway({ identity, radius, visitors, user, createdAt, revokedAt }: GatewayRow) {
  return { identity, ...kind(radius), visitors, user, created: time(createdAt), revoked: time(revokedAt) }
}

export function kind(radius: string | null) {
  return { kind: radius === null ? 'cpns' : 'radius', radius } as const
}

export function pne(row: PneRow) {
  const { pneId: id, name, state, user, generation, gateway } = row
  const times = { created: time(row.createdAt), confirmed: time(row.confirmedAt), revoked: time(row.revokedAt) }
  return { id, name, state, user, generation, keyCreated: time(row.keyCreatedAt), gateway, ...times }
}

export function session({ sessionId, pneId: pne, since, ...row }: RegistrationRow) {
  return { session: Buffer.from(sessionId).toString('base64url'), pne, ...row, since: time(since) }
}

export function event({ pneId, at, ...row }: EventRow) {
  return { ...row, at: time(at), pne: pneId }
}

export function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
