// `opencpns server init`
import { initDataFolder } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'
import { readStore, type StoreOptions } from './store.ts'

interface Options extends CommonOptions, StoreOptions {
  data: string
  realm: string
}

export async function run({ data, realm, json, ...options }: Options): Promise<undefined> {
  await initDataFolder(data, { realm, store: await readStore(options) })
  const ready = `The CPNS Server of ${realm} is ready in ${data}. Keep that folder secret and backed up.`
  printResult(json, { data, realm }, `${ready}\nRun it with: opencpns server run --data ${data}`)
}
