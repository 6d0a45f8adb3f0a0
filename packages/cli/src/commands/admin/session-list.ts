// `opencpns admin session list`
import { paintFor } from '../../output.ts'
import { localTime, table } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Session } from './documents.ts'
import { printList } from './list.ts'

interface Options extends AdminOptions {
  gateway?: string
  pne?: string
}

const view = {
  columns: ['PNE', 'NAME', 'USER', 'GATEWAY', 'CASE', 'SINCE'],
  row: (of: Session) => [of.pne, of.name, of.user, of.gateway, of.case, localTime(of.since)],
  none: 'No device is present anywhere. A device comes with: opencpns pne connect HOST:PORT',
}

export async function run(options: Options): Promise<undefined> {
  const admin = await openAdmin(options)
  const { gateway, pne } = options
  const filter = new URLSearchParams({ ...(gateway !== undefined && { gateway }), ...(pne !== undefined && { pne }) })
  const query = filter.size > 0 ? `?${filter}` : ''
  printList(await admin.list<Session>(`/v1/sessions${query}`), options.json, view)
}

export function sessionTable(sessions: readonly Session[]): string {
  return table(view.columns, sessions.map(view.row), paintFor(process.stdout))
}
