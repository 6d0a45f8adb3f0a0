// `opencpns server init`
import { initDataFolder } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'

interface Options extends CommonOptions {
  data: string
  realm: string
}

export async function run({ data, realm, json }: Options): Promise<undefined> {
  await initDataFolder(data, { realm })
  const ready = `The CPNS Server of ${realm} is ready in ${data}. Keep that folder secret and backed up.`
  printResult(json, { data, realm }, `${ready}\nRun it with: opencpns server run --data ${data}`)
}
