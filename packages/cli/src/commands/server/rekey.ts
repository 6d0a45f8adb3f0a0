// `opencpns server rekey`
import { rekeyDataFolder } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'
import { progress } from '../../progress.ts'

interface Options extends CommonOptions {
  data: string
}

export async function run({ data, json }: Options): Promise<undefined> {
  const report = await rekeyDataFolder(data, { onProgress: progress('sealed anew') })
  const { values, resumed } = report
  const words = [
    `${data}/master.key is new${resumed ? ' (a change that was cut off is finished)' : ''}: ${values} sealed values are under it.`,
    'Keep a copy of it now. Backups from before open only with the old one: make a new backup, and destroy the old ones with',
    'their key when you need them no more. Operators log in again at the console.',
  ]
  printResult(json, report, words.join('\n'))
}
