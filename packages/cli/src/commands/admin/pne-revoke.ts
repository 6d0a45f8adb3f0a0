// `opencpns admin pne revoke`
import { printResult } from '../../output.ts'
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'

interface Revocation {
  id: string
  sequence: number
  revoked: string
}

export async function run(options: AdminOptions, id: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const revocation = await admin.post<Revocation>(`/v1/pnes/${encodeURIComponent(id)}/revoke`)
  const words = `Revoked ${revocation.id} at ${localTime(revocation.revoked)}, for ever. The gateways are being told.`
  printResult(options.json, revocation, words)
}
