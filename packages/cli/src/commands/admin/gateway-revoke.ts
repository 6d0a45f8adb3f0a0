// `opencpns admin gateway revoke`
import { printResult } from '../../output.ts'
import { localTime } from '../../terminal.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Gateway } from './documents.ts'

export async function run(options: AdminOptions, name: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const gateway = await admin.post<Gateway>(`/v1/gateways/${encodeURIComponent(name)}/revoke`)
  const words = [
    `Revoked ${gateway.identity} at ${localTime(gateway.revoked)}, for ever. Its link with the server has ended.`,
    'The devices that it paired stay, and it still holds their keys. To end those too: opencpns admin pne revoke ID',
  ]
  printResult(options.json, gateway, words.join('\n'))
}
