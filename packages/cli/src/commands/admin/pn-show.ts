// `opencpns admin pn show`
import { note, paintFor, print, printJson } from '../../output.ts'
import { facts } from '../../terminal.ts'
import { type AdminOptions, openAdmin, type Page } from './client.ts'
import type { Pn, Session } from './documents.ts'
import { sessionTable } from './session-list.ts'

export async function run(options: AdminOptions, gateway: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const path = `/v1/pns/${encodeURIComponent(gateway)}`
  const { items: _, next: __, ...pn } = await admin.get<Pn & Page<Session>>(`${path}?limit=1`)
  const sessions = await admin.list<Session>(path)
  if (options.json) {
    printJson({ ...pn, ...sessions })
    return
  }
  const rows = [
    ['Gateway', pn.gateway],
    ['User', pn.user],
    ['Visitors', pn.visitors ? 'yes' : 'no'],
    ['Registered', String(pn.registered)],
  ] as const
  print(facts(rows, paintFor(process.stdout)))
  if (sessions.items.length > 0) print(`\n${sessionTable(sessions.items)}`)
  if (sessions.next) note(`These are the newest ${sessions.items.length}; there are more.`)
}
