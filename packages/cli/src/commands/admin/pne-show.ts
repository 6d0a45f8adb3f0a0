// `opencpns admin pne show`
import { paintFor, printResult } from '../../output.ts'
import { facts, localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Pne } from './documents.ts'

export async function run(options: AdminOptions, id: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const pne = await admin.get<Pne>(`/v1/pnes/${encodeURIComponent(id)}`)
  const rows = [
    ['PNE', pne.id],
    ['Name', pne.name],
    ['State', pne.state],
    ['User', pne.user],
    ['Seed generation', String(pne.generation)],
    ['Assigned by', pne.gateway],
    ['Created', localTime(pne.created)],
    ['Confirmed', localTime(pne.confirmed)],
    ['Revoked', localTime(pne.revoked)],
  ] as const
  printResult(options.json, pne, facts(rows, paintFor(process.stdout)))
}
