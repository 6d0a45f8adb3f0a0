// `opencpns pne export`
import { exportNetwork, networkOf, readCredential } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'

interface Options extends CommonOptions {
  credential: string
  ssid?: string
  format: 'wpa_supplicant' | 'json'
}

export async function run({ credential: file, ssid, format, json }: Options): Promise<undefined> {
  const credential = await readCredential(file)
  const asJson = json ?? (format === 'json' || undefined)
  printResult(asJson, networkOf(credential), exportNetwork(credential, { ssid }))
}
