// `opencpns server migrate`
import { moveStore } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { printResult } from '../../output.ts'
import { progress } from '../../progress.ts'
import { readStore } from './store.ts'

interface Options extends CommonOptions {
  from: string
  to?: string
  toFile?: string
  data?: string
}

export async function run({ from, to: store, toFile: storeFile, data, json }: Options): Promise<undefined> {
  const to = await readStore({ ...(store && { store }), ...(storeFile && { storeFile }) })
  if (to === undefined) throw new CliError('USAGE', 'cannot move the store: give --to or --to-file')
  const begun = performance.now()
  const report = await moveStore({ from, to, dataDir: data, onProgress: progress('copied and compared') })
  const seconds = Math.round((performance.now() - begun) / 100) / 10
  const { resumed, rows, tables } = report
  const words = [
    `${rows.toLocaleString('en-US')} rows of ${tables.length} tables are in the database, each the same as before${resumed ? ' (what was begun before is finished)' : ''}.`,
    `Run the server with it: opencpns server run --data ${data ?? 'DIR'} --store-file FILE`,
    'Keep the SQLite file until you have a backup of the database; no server may write it any more.',
  ]
  printResult(json, { ...report, seconds }, words.join('\n'))
}
