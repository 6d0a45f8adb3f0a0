// `opencpns admin user show`
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { UserDetails } from './documents.ts'
import { userFacts } from './user-facts.ts'

export async function run(options: AdminOptions, name: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const user = await admin.get<UserDetails>(`/v1/users/${encodeURIComponent(name)}`)
  printResult(options.json, user, userFacts(user))
}
