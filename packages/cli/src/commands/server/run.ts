// `opencpns server run`
import { runServer } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { openLog } from '../../log.ts'
import { printResult } from '../../output.ts'
import { serviceManager } from '../../service-manager.ts'
import { aborted, GRACE_MS, onceAskedToEnd } from '../../signals.ts'
import { openTelemetry } from '../../telemetry.ts'
import { type AdminTlsOptions, readAdminListen } from './admin-tls.ts'
import { type RadsecOptions, readRadsec } from './radsec.ts'
import { readStore, type StoreOptions } from './store.ts'

interface Options extends CommonOptions, RadsecOptions, AdminTlsOptions, StoreOptions {
  data: string
  listen: Endpoint
  radius?: Endpoint
  transientKeyLifetime: number
}

export async function run(options: Options): Promise<undefined> {
  const { data, listen, radius, json, logLevel, transientKeyLifetime: transientKeyLifetimeS } = options
  const asked = onceAskedToEnd()
  const [admin, radsec] = [await readAdminListen(options), await readRadsec(options)]
  const store = await readStore(options)
  const logger = await openLog(logLevel)
  const tracer = await openTelemetry('server', logger)
  const doors = { listen, admin, radius, radsec }
  const server = await runServer({ dataDir: data, store, ...doors, logger, tracer, transientKeyLifetimeS })
  const given = Object.entries(server.addresses).map(([door, address]) => [door, formatEndpoint(address)])
  const addresses: Record<string, string> = Object.fromEntries(given)
  const words = [
    `CPNS Server: gateways connect to ${addresses['cpns']}, the admin API is at ${addresses['admin']}`,
    addresses['radius'] && `RADIUS is at ${addresses['radius']}`,
    addresses['radsec'] && `RADIUS over TLS is at ${addresses['radsec']}`,
  ]
  printResult(json, { event: 'ready', listen: addresses }, `${words.filter(Boolean).join(', ')}. Ctrl-C ends it.`)
  const manager = serviceManager(logger)
  manager.ready(words.filter(Boolean).join(', '))
  await aborted(asked)
  manager.stopping()
  await server.close({ graceMs: GRACE_MS })
}
