// `opencpns admin user list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { User } from './documents.ts'
import { printList } from './list.ts'
import { withQuery } from './query.ts'

interface Options extends AdminOptions {
  search?: string
}

export async function run(options: Options): Promise<undefined> {
  const admin = await openAdmin(options)
  printList(await admin.list<User>(withQuery('/v1/users', { q: options.search })), options.json, {
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
