// `opencpns pne rotate`
import { readCredential, rotate } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import type { Endpoint } from '../../endpoint.ts'
import { printResult } from '../../output.ts'
import { onceAskedToEnd } from '../../signals.ts'
import { openTelemetry } from '../../telemetry.ts'

interface Options extends CommonOptions {
  credential: string
}

export async function run({ credential: file, json }: Options, at: Endpoint): Promise<undefined> {
  const signal = onceAskedToEnd()
  const credential = await readCredential(file)
  await rotate({ ...at, credential, signal, tracer: await openTelemetry('pne') })
  const { pneId, gateway } = credential
  printResult(json, { pneId, rotated: true }, `${pneId} has a new key from ${gateway}. The old one works no more.`)
}
