// `opencpns admin user add`
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { User } from './documents.ts'

export async function run(options: AdminOptions, name: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const user = await admin.create<User>('/v1/users', { name })
  const words = `Added the user ${user.name}. Next: opencpns admin gateway add NAME --user ${user.name} --out FILE`
  printResult(options.json, user, words)
}
