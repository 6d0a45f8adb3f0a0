// `opencpns admin user rotate`
import { confirmed } from '../../confirm.ts'
import { CliError } from '../../errors.ts'
import { printResult } from '../../output.ts'
import { type AdminClient, type AdminOptions, openAdmin } from './client.ts'
import type { User, UserDetails } from './documents.ts'

interface Options extends AdminOptions {
  retire?: number
  force?: true
  yes?: true
}

interface Retirement {
  name: string
  generation: number
  keys: number
  pnes: number
  erased: boolean
}

export async function run({ retire, force, yes, ...options }: Options, name: string): Promise<undefined> {
  if (retire === undefined && force)
    throw new CliError('USAGE', '--force goes with --retire. Write for example --retire 1 --force')
  const admin = await openAdmin(options)
  const path = `/v1/users/${encodeURIComponent(name)}`
  if (retire === undefined) {
    const user = await admin.post<User>(`${path}/rotate`)
    const words = [
      `${user.name} has a 1st seed of generation ${user.generation}. The keys of devices are renewed as they come to their gateways.`,
      `When none uses generation ${user.generation - 1} any more, retire it: opencpns admin user rotate ${user.name} --retire ${user.generation - 1}`,
    ]
    printResult(options.json, user, words.join('\n'))
    return
  }
  if (force && !yes) await ask(admin, path, name, retire)
  const retirement = await admin.delete<Retirement>(`${path}/generations/${retire}${force ? '?force' : ''}`)
  printResult(options.json, retirement, wordsOf(retirement))
}

/** What force would break is told before it is asked for. @throws {CliError} USAGE: it was not confirmed */
async function ask(admin: AdminClient, path: string, name: string, generation: number): Promise<void> {
  const { generations } = await admin.get<UserDetails>(path)
  const keys = generations.find((one) => one.generation === generation)?.keys ?? 0
  const question =
    `Destroy the 1st seed of generation ${generation} of ${name}, for ever? Keys that use it now: ${keys}. They are revoked; ` +
    'a device that has no other key must be paired anew.'
  if (await confirmed(question, name)) return
  throw new CliError('USAGE', 'nothing was retired: it was not confirmed. Type the name, or give --yes')
}

function wordsOf({ name, generation, keys, pnes, erased }: Retirement): string {
  const words = [
    `Retired generation ${generation} of ${name}: its keys cannot be calculated any more. Keys revoked: ${keys}, devices revoked: ${pnes}.`,
    ...(erased
      ? []
      : [
          'The database may still hold a sealed copy of the seed. SQLite: another process reads it; stop that and restart the server.',
          'PostgreSQL: until it is cleaned up (docs/operations/postgres.md).',
        ]),
    'Backups of the server still hold the seed, sealed under its master key: docs/security.md.',
  ]
  return words.join('\n')
}
