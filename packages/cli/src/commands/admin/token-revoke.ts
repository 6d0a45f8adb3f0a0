// `opencpns admin token revoke`
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Token } from './documents.ts'

export async function run(options: AdminOptions, reference: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const token = await admin.delete<Token>(`/v1/tokens/${encodeURIComponent(reference)}`)
  printResult(options.json, token, `Revoked the token ${token.name}.`)
}
