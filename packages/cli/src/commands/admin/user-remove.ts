// `opencpns admin user remove`

import { confirmed } from '../../confirm.ts'
import { CliError } from '../../errors.ts'
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'

interface Options extends AdminOptions {
  yes?: true
}

interface Removal {
  name: string
  removed: string
  pnes: number
  gateways: string[]
  erased: boolean
}

export async function run(options: Options, name: string): Promise<undefined> {
  const question = `Remove the user ${name}, all devices and gateways of ${name}, and every key of theirs, for ever?`
  if (!options.yes && !(await confirmed(question, name))) {
    throw new CliError('USAGE', 'nothing was removed: it was not confirmed. Type the name, or give --yes')
  }
  const admin = await openAdmin(options)
  const removal = await admin.delete<Removal>(`/v1/users/${encodeURIComponent(name)}`)
  const { pnes, gateways, erased } = removal
  const words = [
    `Removed ${removal.name}: devices revoked: ${pnes}, gateways revoked: ${gateways.length}. Their keys cannot be calculated any more.`,
    ...(erased
      ? []
      : [
          'The database may still hold a sealed copy of a seed. SQLite: another process reads it; stop that and restart the server.',
          'PostgreSQL: until it is cleaned up (docs/operations/postgres.md).',
        ]),
    'Backups of the server still hold the seeds, sealed under its master key: docs/security.md.',
  ]
  printResult(options.json, removal, words.join('\n'))
}
