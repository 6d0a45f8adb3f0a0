// `opencpns server rekey`
import { rekeyDataFolder } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'
import { progress } from '../../progress.ts'
import { readStore, type StoreOptions } from './store.ts'

interface Options extends CommonOptions, StoreOptions {
  data: string
}

export async function run({ data, json, ...options }: Options): Promise<undefined> {
  const store = await readStore(options)
  const report = await rekeyDataFolder(data, { store, onProgress: progress('sealed anew') })
  const { values, resumed } = report
  const words = [
    `${data}/master.key is new${resumed ? ' (a change that was cut off is finished)' : ''}: ${values} sealed values are under it.`,
    'Keep a copy of it now. Backups from before open only with the old one: make a new backup, and destroy the old ones with',
    'their key when you need them no more. Operators log in again at the console.',
  ]
  printResult(json, report, words.join('\n'))
}
