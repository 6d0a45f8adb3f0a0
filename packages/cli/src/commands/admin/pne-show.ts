// `opencpns admin pne show`
import { paintFor, printResult } from '../../output.ts'
import { facts, localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { PneDetails } from './documents.ts'

const DAY_MS = 86_400_000

export async function run(options: AdminOptions, id: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const pne = await admin.get<PneDetails>(`/v1/pnes/${encodeURIComponent(id)}`)
  const rows = [
    ['PNE', pne.id],
    ['Name', pne.name],
    ['State', pne.state],
    ['User', pne.user],
    ['Seed generation', String(pne.generation)],
    ['Key', `${localTime(pne.keyCreated)}, ${daysSince(pne.keyCreated)}`],
    ['Assigned by', pne.gateway],
    ['Created', localTime(pne.created)],
    ['Confirmed', localTime(pne.confirmed)],
    ['Revoked', localTime(pne.revoked)],
    ['Keys', pne.keys.map(({ generation, state }) => `${state} (seed generation ${generation})`).join(', ')],
    ['Present at', pne.registered && `${pne.registered.gateway}, since ${localTime(pne.registered.since)}`],
  ] as const
  printResult(options.json, pne, facts(rows, paintFor(process.stdout)))
}

function daysSince(time: string): string {
  const days = Math.max(0, Math.floor((Date.now() - Date.parse(time)) / DAY_MS))
  return days === 1 ? '1 day old' : `${days} days old`
}
