// `opencpns admin user policy`
import { CliError } from '../../errors.ts'
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { UserDetails } from './documents.ts'
import { userFacts } from './user-facts.ts'

interface Options extends AdminOptions {
  roaming?: 'any' | 'listed' | 'none'
  gateway?: string[]
  sessions?: number | 'unlimited'
}

export async function run(options: Options, name: string): Promise<undefined> {
  const { gateway: gateways, sessions } = options
  const sessionsMax = sessions === 'unlimited' ? null : sessions
  const roaming = options.roaming ?? (gateways && 'listed')
  if (roaming === undefined && sessionsMax === undefined) {
    throw new CliError('USAGE', 'nothing to change: give --roaming, --gateway or --sessions')
  }
  if (gateways !== undefined && roaming !== 'listed') {
    throw new CliError('USAGE', `--gateway goes with --roaming listed, not with --roaming ${roaming}`)
  }
  const admin = await openAdmin(options)
  const user = await admin.patch<UserDetails>(`/v1/users/${encodeURIComponent(name)}`, {
    policy: { roaming, gateways, sessionsMax },
  })
  printResult(options.json, user, userFacts(user))
}
