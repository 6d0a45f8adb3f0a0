// `opencpns server run`
import { runServer } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { openLog } from '../../log.ts'
import { printResult } from '../../output.ts'
import { aborted, GRACE_MS, onceAskedToEnd } from '../../signals.ts'

interface Options extends CommonOptions {
  data: string
  listen: Endpoint
  admin: Endpoint
}

export async function run({ data, listen, admin, json, logLevel }: Options): Promise<undefined> {
  const asked = onceAskedToEnd()
  const logger = await openLog(logLevel)
  const server = await runServer({ dataDir: data, listen, admin, logger })
  const addresses = { cpns: formatEndpoint(server.addresses.cpns), admin: formatEndpoint(server.addresses.admin) }
  const words = `CPNS Server: gateways connect to ${addresses.cpns}, the admin API is at ${addresses.admin}. Ctrl-C ends it.`
  printResult(json, { event: 'ready', listen: addresses }, words)
  await aborted(asked)
  await server.close({ graceMs: GRACE_MS })
}
