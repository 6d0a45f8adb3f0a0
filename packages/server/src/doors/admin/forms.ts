// Rows of the store in the form that the admin API shows them in: times as ISO 8601, octets as base64url, nothing sealed.
import type { EventRow } from '../../events.ts'
import type {
  GenerationRow,
  KeyRow,
  ListedGatewayRow,
  PneRow,
  RegistrationRow,
  Registry,
  UserPolicy,
  UserRow,
} from '../../registry.ts'
import type { AuditRow, TokenRow } from '../../store/contract-operator.ts'

export function user(row: Omit<UserRow, 'version' | 'roaming' | 'sessionsMax'>) {
  const { name, generation, createdAt, removedAt } = row
  return { name, generation, created: time(createdAt), removed: time(removedAt) }
}

export async function userDetails({ roaming, gateways, sessionsMax, version, ...row }: UserPolicy, registry: Registry) {
  const [all, pnes] = await Promise.all([registry.generations.list(row.name), registry.countPnes(row.id)])
  const policy = { roaming, gateways, sessionsMax }
  return { ...user(row), version, generations: all.map(generation), policy, pnes }
}

function generation({ createdAt, ...row }: GenerationRow) {
  return { ...row, created: time(createdAt) }
}

/** @param connected  since when gateways are connected, by identity; undefined when nobody knows */
export function gateway(row: ListedGatewayRow, connected: ReadonlyMap<string, number> | undefined) {
  const { identity, version, radius, visitors, user, registered, createdAt, revokedAt } = row
  const since = radius === null ? connected?.get(identity) : undefined
  return {
    identity,
    version,
    ...kind(radius),
    visitors,
    user,
    created: time(createdAt),
    revoked: time(revokedAt),
    connected: radius === null && connected ? since !== undefined : null,
    connectedSince: time(since ?? null),
    registered,
  }
}

export function kind(radius: string | null) {
  return { kind: radius === null ? 'cpns' : 'radius', radius } as const
}

export function pne(row: PneRow) {
  const { pneId: id, name, state, user, generation, gateway } = row
  const times = { created: time(row.createdAt), confirmed: time(row.confirmedAt), revoked: time(row.revokedAt) }
  return { id, name, state, user, generation, keyCreated: time(row.keyCreatedAt), gateway, ...times }
}

export function pneDetails(row: PneRow, { keys, registered }: { keys: KeyRow[]; registered: RegistrationRow | null }) {
  return { ...pne(row), keys: keys.map(key), registered: registered && session(registered) }
}

/** Nothing of the 2nd seed. */
function key({ generation, state, gateway, createdAt, confirmedAt, retiredAt }: KeyRow) {
  const times = { created: time(createdAt), confirmed: time(confirmedAt), retired: time(retiredAt) }
  return { generation, state, ...times, gateway }
}

export function session({ sessionId, pneId: pne, since, ...row }: RegistrationRow) {
  return { session: Buffer.from(sessionId).toString('base64url'), pne, ...row, since: time(since) }
}

export function event({ pneId, at, steps, facts, ...row }: EventRow) {
  return { ...row, at: time(at), pne: pneId }
}

export function token({ createdAt, expiresAt, revokedAt, usedAt, ...row }: TokenRow) {
  const times = { created: time(createdAt), expires: time(expiresAt), revoked: time(revokedAt), used: time(usedAt) }
  return { ...row, ...times }
}

export function auditEntry({ at, facts, ...row }: AuditRow) {
  return { ...row, at: time(at), facts: facts === null ? null : JSON.parse(facts) }
}

export function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
