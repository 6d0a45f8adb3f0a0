// `opencpns admin token list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Token } from './documents.ts'
import { printList } from './list.ts'

export async function run(options: AdminOptions): Promise<undefined> {
  const admin = await openAdmin(options)
  printList(await admin.list<Token>('/v1/tokens'), options.json, {
    columns: ['TOKEN', 'NAME', 'ROLE', 'STATE', 'EXPIRES', 'CREATED', 'BY', 'LAST USED'],
    row: (token) => [
      token.id,
      token.name,
      token.role,
      stateOf(token),
      localTime(token.expires),
      localTime(token.created),
      token.createdBy,
      localTime(token.used),
    ],
    none: 'No tokens but the one in the data folder. Make one with: opencpns admin token add NAME --role ROLE',
  })
}

function stateOf({ revoked, expires }: Token): string {
  if (revoked !== null) return 'revoked'
  return expires !== null && Date.parse(expires) <= Date.now() ? 'expired' : 'good'
}
