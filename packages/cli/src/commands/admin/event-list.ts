// `opencpns admin event list`
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Event } from './documents.ts'
import { printList } from './list.ts'

interface Options extends AdminOptions {
  limit: number
}

export async function run(options: Options): Promise<undefined> {
  const admin = await openAdmin(options)
  const events = await admin.get<{ items: Event[]; dropped: number }>(`/v1/events?limit=${options.limit}`)
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
