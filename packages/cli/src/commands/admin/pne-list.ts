// `opencpns admin pne list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Pne } from './documents.ts'
import { printList } from './list.ts'

export async function run(options: AdminOptions): Promise<undefined> {
  const admin = await openAdmin(options)
  printList(await admin.list<Pne>('/v1/pnes'), options.json, {
    columns: ['PNE', 'NAME', 'STATE', 'USER', 'ASSIGNED BY', 'CREATED'],
    row: ({ id, name, state, user, gateway, created }) => [id, name, state, user, gateway, localTime(created)],
    none: 'No devices yet. Pair one with: opencpns gateway pair --data DIR',
  })
}
