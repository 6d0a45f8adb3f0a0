// `opencpns server restore`
import { restoreDataFolder } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { confirmed } from '../../confirm.ts'
import { CliError } from '../../errors.ts'
import { printResult } from '../../output.ts'
import { localTime } from '../../terminal.ts'

interface Options extends CommonOptions {
  data: string
  masterKey?: string
  force?: true
}

export async function run({ data, masterKey, force, json }: Options, file: string): Promise<undefined> {
  const question = `Replace the store in ${data} by the backup ${file}?`
  if (force && process.stdin.isTTY && !(await confirmed(question, 'restore'))) {
    throw new CliError('USAGE', 'nothing was restored: it was not confirmed. Type restore')
  }
  const report = await restoreDataFolder(file, data, { masterKeyFile: masterKey, overwrite: force ?? false })
  const { realm, takenAt, users, gateways, pnes, replaced } = report
  const words = [
    `${data} is ${realm} as it was ${localTime(takenAt)}: ${users} users, ${gateways} gateways, ${pnes} active devices.`,
    ...(replaced === null ? [] : [`The store that was there is ${replaced}: delete it when all is well.`]),
    'Gateways read the whole revocation log when they connect again; nothing is to be done there.',
    'What happened since then is not in it: revoke and remove again what was revoked or removed, operators too; devices that',
    'were paired or got a new key since then must be paired again.',
    `Run it with: opencpns server run --data ${data}`,
  ]
  printResult(json, report, words.join('\n'))
}
