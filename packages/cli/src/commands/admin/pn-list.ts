// `opencpns admin pn list`
import { type AdminOptions, openAdmin } from './client.ts'
import type { Pn } from './documents.ts'
import { printList } from './list.ts'

export async function run(options: AdminOptions): Promise<undefined> {
  const admin = await openAdmin(options)
  printList(await admin.list<Pn>('/v1/pns'), options.json, {
    columns: ['GATEWAY', 'USER', 'VISITORS', 'REGISTERED'],
    row: ({ gateway, user, visitors, registered }) => [gateway, user, visitors ? 'yes' : 'no', String(registered)],
    none: 'No personal networks yet. Add a gateway with: opencpns admin gateway add NAME --user USER --out FILE',
  })
}
