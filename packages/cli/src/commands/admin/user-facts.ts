// An end user, and what the devices of this user may do, in words.
import { paintFor } from '../../output.ts'
import { facts, localTime } from '../../terminal.ts'
import type { UserWithPolicy } from './documents.ts'

export function userFacts({ name, generation, created, removed, policy }: UserWithPolicy): string {
  const { roaming, gateways, sessionsMax } = policy
  const rows = [
    ['User', name],
    ['State', removed ? 'removed' : 'active'],
    ['Seed generation', String(generation)],
    ['Roaming', { any: 'at any gateway', listed: 'at the listed gateways', none: 'nowhere' }[roaming]],
    ['Listed gateways', gateways.join(', ')],
    ['Sessions of a device', sessionsMax === null ? 'unlimited' : `${sessionsMax} at once`],
    ['Created', localTime(created)],
    ['Removed', localTime(removed)],
  ] as const
  return facts(rows, paintFor(process.stdout))
}
