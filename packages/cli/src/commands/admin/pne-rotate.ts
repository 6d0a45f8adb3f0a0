// `opencpns admin pne rotate`
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'

export async function run(options: AdminOptions, id: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const asked = await admin.post<{ id: string; asked: true }>(`/v1/pnes/${encodeURIComponent(id)}/rotate`)
  printResult(options.json, asked, `Asked its gateway to renew the key of ${asked.id} as soon as it is present there.`)
}
