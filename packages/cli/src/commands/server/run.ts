// `opencpns server run`
import cluster from 'node:cluster'
import { runServer, runWorker, runWorkers } from '@opencpns/server'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { codeOf } from '../../exit.ts'
import { openLog } from '../../log.ts'
import { giveBackMemory } from '../../memory.ts'
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
  workers: number
  outageTolerance: number
}

export async function run(options: Options): Promise<undefined> {
  const { data, listen, radius, json, logLevel, workers } = options
  if (cluster.isWorker) return runAsWorker(options)
  const asked = onceAskedToEnd()
  const [admin, settings] = [await readAdminListen(options), await settingsOf(options)]
  const logger = await openLog(logLevel, { isShared: workers > 1 })
  const tracer = await openTelemetry('server', logger)
  const all = { dataDir: data, listen, admin, radius, ...settings, logger, tracer }
  const starting = workers > 1 ? runWorkers({ ...all, workers }) : runServer(all)
  const server = await starting.catch((error) => {
    // Ctrl-C goes to the workers as well, and ends one that has only just begun.
    if (asked.aborted && codeOf(error) === 'WORKER_LOST') return undefined
    throw error
  })
  if (!server) return
  giveBackMemory()
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

/** The same command, as node:cluster starts it for each worker: it ends when its primary says so. */
async function runAsWorker(options: Options): Promise<undefined> {
  const logger = await openLog(options.logLevel, { isShared: true })
  const tracer = await openTelemetry('server', logger)
  const { data: dataDir, listen, radius } = options
  const onReady = giveBackMemory
  await runWorker({ dataDir, listen, radius, ...(await settingsOf(options)), logger, tracer, onReady })
}

async function settingsOf(options: Options) {
  const { transientKeyLifetime: transientKeyLifetimeS, outageTolerance } = options
  const [store, radsec] = [await readStore(options), await readRadsec(options)]
  return { store, radsec, transientKeyLifetimeS, maxStaleS: outageTolerance / 1000 }
}
