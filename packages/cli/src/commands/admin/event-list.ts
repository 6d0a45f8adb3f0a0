// `opencpns admin event list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Event } from './documents.ts'
import { printList } from './list.ts'
import { withQuery } from './query.ts'

interface Options extends AdminOptions {
  type?: string
  result?: string
  pne?: string
  gateway?: string
  session?: string
  /** ISO 8601 */
  after?: string
  limit: number
}

export async function run(options: Options): Promise<undefined> {
  const { type, result, pne, gateway, session, after, limit } = options
  const admin = await openAdmin(options)
  const path = withQuery('/v1/events', { type, result, pne, gateway, session, after, limit })
  const events = await admin.get<{ items: Event[]; dropped: number }>(path)
  printList(events, options.json, {
    columns: ['AT', 'EVENT', 'RESULT', 'PNE', 'GATEWAY', 'USER', 'MS', 'REASON'],
    row: (event) => [
      localTime(event.at),
      event.type,
      event.result,
      event.pne,
      event.gateway,
      event.user,
      event.ms?.toFixed(1),
      event.reason,
    ],
    none: 'Nothing has happened yet.',
  })
}
