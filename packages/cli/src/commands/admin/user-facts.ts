// An end user, and what the devices of this user may do, in words.
import { paintFor } from '../../output.ts'
import { facts, localTime } from '../../terminal.ts'
import type { UserDetails } from './documents.ts'

export function userFacts({ name, generations, created, removed, policy, pnes }: UserDetails): string {
  const { roaming, gateways, sessionsMax } = policy
  const rows = [
    ['User', name],
    ['State', removed ? 'removed' : 'active'],
    ...generations.map((one) => [`Seed generation ${one.generation}`, stateOf(one)] as const),
    ['Roaming', { any: 'at any gateway', listed: 'at the listed gateways', none: 'nowhere' }[roaming]],
    ['Listed gateways', gateways.join(', ')],
    ['Sessions of a device', sessionsMax === null ? 'unlimited' : `${sessionsMax} at once`],
    ['Devices', `${pnes.active} active, ${pnes.pending} pending, ${pnes.revoked} revoked`],
    ['Created', localTime(created)],
    ['Removed', localTime(removed)],
  ] as const
  return facts(rows, paintFor(process.stdout))
}

function stateOf({ retired, keys }: UserDetails['generations'][number]): string {
  if (retired) return 'retired: its 1st seed was destroyed'
  return keys === 1 ? '1 key uses it' : `${keys} keys use it`
}
