// `opencpns admin user list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { User } from './documents.ts'
import { printList } from './list.ts'

export async function run(options: AdminOptions): Promise<undefined> {
  const admin = await openAdmin(options)
  printList(await admin.list<User>('/v1/users'), options.json, {
    columns: ['USER', 'SEED GENERATION', 'STATE', 'CREATED'],
    row: ({ name, generation, removed, created }) => [
      name,
      String(generation),
      removed ? 'removed' : 'active',
      localTime(created),
    ],
    none: 'No users yet. Add one with: opencpns admin user add NAME',
  })
}
