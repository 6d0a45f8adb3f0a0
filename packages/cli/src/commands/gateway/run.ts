// `opencpns gateway run`
import { runGateway } from '@opencpns/gateway'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { openLog } from '../../log.ts'
import { printResult } from '../../output.ts'
import { aborted, GRACE_MS, onceAskedToEnd } from '../../signals.ts'
import type { Service } from './service.ts'

interface Options extends CommonOptions {
  credential: string
  data: string
  server: Endpoint
  listen: Endpoint
  service?: Service[]
}

export async function run({ credential, data, server, listen, service, json, logLevel }: Options): Promise<undefined> {
  const asked = onceAskedToEnd()
  const logger = await openLog(logLevel)
  const services = Object.fromEntries((service ?? []).map(({ name, endpoint }) => [name, endpoint]))
  const gateway = await runGateway({ credentialFile: credential, dataDir: data, server, listen, services, logger })
  const address = formatEndpoint(gateway.address)
  const words = `Gateway ${gateway.identity}: devices connect to ${address}. Ctrl-C ends it.`
  printResult(json, { event: 'ready', listen: { pne: address } }, words)
  await aborted(asked)
  await gateway.close({ graceMs: GRACE_MS })
}
