// `opencpns admin gateway list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Gateway } from './documents.ts'
import { printList } from './list.ts'
import { withQuery } from './query.ts'

interface Options extends AdminOptions {
  search?: string
  user?: string
  kind?: string
  state?: string
}

export async function run(options: Options): Promise<undefined> {
  const { search: q, user, kind, state } = options
  const admin = await openAdmin(options)
  printList(await admin.list<Gateway>(withQuery('/v1/gateways', { q, user, kind, state })), options.json, {
    columns: ['GATEWAY', 'USER', 'RADIUS', 'VISITORS', 'STATE', 'LINK', 'PRESENT', 'CREATED'],
    row: ({ identity, user, radius, visitors, revoked, connected, registered, created }) => [
      identity,
      user,
      radius,
      visitors ? 'yes' : 'no',
      revoked ? 'revoked' : 'active',
      connected === null ? null : connected ? 'connected' : 'away',
      String(registered),
      localTime(created),
    ],
    none: 'No gateways yet. Add one with: opencpns admin gateway add NAME --user USER --out FILE',
  })
}
