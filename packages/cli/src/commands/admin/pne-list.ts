// `opencpns admin pne list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Pne } from './documents.ts'
import { printList } from './list.ts'
import { withQuery } from './query.ts'

interface Options extends AdminOptions {
  search?: string
  state?: string
  user?: string
  gateway?: string
}

export async function run(options: Options): Promise<undefined> {
  const { search: q, state, user, gateway } = options
  const admin = await openAdmin(options)
  printList(await admin.list<Pne>(withQuery('/v1/pnes', { q, state, user, gateway })), options.json, {
    columns: ['PNE', 'NAME', 'STATE', 'USER', 'ASSIGNED BY', 'CREATED'],
    row: ({ id, name, state, user, gateway, created }) => [id, name, state, user, gateway, localTime(created)],
    none: 'No devices yet. Pair one with: opencpns gateway pair --data DIR',
  })
}
