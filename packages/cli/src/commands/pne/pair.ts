// `opencpns pne pair`
import { pair } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'
import { onceAskedToEnd } from '../../signals.ts'

interface Options extends CommonOptions {
  credential: string
}

export async function run({ credential: credentialFile, json }: Options, uri: string): Promise<undefined> {
  const { pneId, realm, gateway } = await pair({ uri, credentialFile, signal: onceAskedToEnd() })
  const words = [
    `Paired with ${gateway} as ${pneId} of ${realm}. The credential is in ${credentialFile}.`,
    `Connect with: opencpns pne connect HOST:PORT --credential ${credentialFile}`,
  ]
  printResult(json, { pneId, realm, gateway }, words.join('\n'))
}
