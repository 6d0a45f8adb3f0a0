// `opencpns admin pn list`
import { type AdminOptions, openAdmin } from './client.ts'
import type { Pn } from './documents.ts'
import { printList } from './list.ts'
import { withQuery } from './query.ts'

interface Options extends AdminOptions {
  search?: string
  user?: string
}

export async function run(options: Options): Promise<undefined> {
  const admin = await openAdmin(options)
  printList(await admin.list<Pn>(withQuery('/v1/pns', { q: options.search, user: options.user })), options.json, {
    columns: ['GATEWAY', 'USER', 'VISITORS', 'REGISTERED'],
    row: ({ gateway, user, visitors, registered }) => [gateway, user, visitors ? 'yes' : 'no', String(registered)],
    none: 'No personal networks yet. Add a gateway with: opencpns admin gateway add NAME --user USER --out FILE',
  })
}
