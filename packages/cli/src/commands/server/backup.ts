// `opencpns server backup`
import { backupDataFolder } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'
import { progress } from '../../progress.ts'

interface Options extends CommonOptions {
  data: string
  force?: true
}

export async function run({ data, force, json }: Options, file: string): Promise<undefined> {
  const report = await backupDataFolder(data, file, { overwrite: force ?? false, onProgress: progress('copied') })
  const { realm, users, gateways, pnes, octets } = report
  const words = [
    `The backup of ${realm} is in ${file}: ${users} users, ${gateways} gateways, ${pnes} active devices, ${octets} octets. It was read again and is good.`,
    `It opens only with ${data}/master.key, which is not in it: keep a copy of that in another place.`,
  ]
  printResult(json, report, words.join('\n'))
}
