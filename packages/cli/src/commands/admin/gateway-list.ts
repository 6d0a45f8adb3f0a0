// `opencpns admin gateway list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Gateway } from './documents.ts'
import { printList } from './list.ts'

export async function run(options: AdminOptions): Promise<undefined> {
  const admin = await openAdmin(options)
  printList(await admin.list<Gateway>('/v1/gateways'), options.json, {
    columns: ['GATEWAY', 'USER', 'RADIUS', 'VISITORS', 'STATE', 'CREATED'],
    row: ({ identity, user, radius, visitors, revoked, created }) => [
      identity,
      user,
      radius,
      visitors ? 'yes' : 'no',
      revoked ? 'revoked' : 'active',
      localTime(created),
    ],
    none: 'No gateways yet. Add one with: opencpns admin gateway add NAME --user USER --out FILE',
  })
}
