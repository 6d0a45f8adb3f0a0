// `opencpns admin audit list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { AuditEntry } from './documents.ts'
import { printList } from './list.ts'
import { withQuery } from './query.ts'

interface Options extends AdminOptions {
  actor?: string
  action?: string
  target?: string
  limit: number
}

export async function run(options: Options): Promise<undefined> {
  const { actor, action, target, limit } = options
  const admin = await openAdmin(options)
  const path = withQuery('/v1/audit', { actor, action, target, limit })
  printList(await admin.get<{ items: AuditEntry[] }>(path), options.json, {
    columns: ['AT', 'WHO', 'FROM', 'ACTION', 'TARGET', 'OUTCOME', 'FACTS'],
    row: ({ at, actor, from, action, target, outcome, facts }) => [
      localTime(at),
      actor,
      from,
      action,
      target,
      outcome ?? 'unknown',
      facts && JSON.stringify(facts),
    ],
    none: 'Nobody has asked for anything yet.',
  })
}
