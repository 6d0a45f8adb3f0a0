// A worker of a server (node:cluster): the doors for gateways and stock equipment, in a process of its own. The primary has the
// door for the operator, tells the worker when to end, and passes its messages on.

import cluster from 'node:cluster'
import type { Address } from '@opencpns/io'
import { workerBus } from '../bus/workers.ts'
import { openPart, type PartOptions, type ServerPart } from '../server.ts'
import { isOurs, type PrimaryMessage, type WorkerMessage } from './messages.ts'

/** The number of the worker, which its replacement has too. */
export const NUMBER = 'OPENCPNS_WORKER'

/** When the primary is gone nobody counts the seconds any more. */
const GRACE_MS = 3000

/** The options of the server, as the worker has got them too; it leaves alone what is not for it. */
export interface WorkerOptions extends Omit<PartOptions, 'admin' | 'bus' | 'metricsText' | 'isDoorOpen'> {
  /** Called before the primary hears that the worker serves. */
  readonly onReady?: () => void
}

/**
 * Runs a worker until the primary says so or is gone. Resolves when all is answered: the process then ends.
 *
 * RADIUS is served by the first worker alone. A request that is sent again must come to who remembers its answer, and over UDP
 * the system gives each datagram to any process that listens.
 */
export async function runWorker({ onReady = () => {}, ...options }: WorkerOptions): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}) // they go to the primary as well
  const ended = Promise.withResolvers<number>()
  process.once('disconnect', () => ended.resolve(GRACE_MS))
  // Otherwise node:cluster ends the process at once when the primary is gone, whatever is under way.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true
  const isFirst = process.env[NUMBER] === '0'
  const doors = isFirst ? {} : { radius: undefined, radsec: undefined }
  let part: ServerPart | undefined
  const receive = (message: unknown) => {
    if (!isOurs(message)) return
    const said = message as PrimaryMessage
    if (said.opencpns === 'stop') ended.resolve(said.graceMs)
    else if (said.opencpns === 'metrics') void part?.metrics.rows().then((metrics) => tell({ ...said, metrics }))
  }
  process.on('message', receive)
  try {
    part = await openPart({ ...options, ...doors, bus: workerBus(process) })
  } catch (error) {
    const { code = 'INTERNAL_ERROR' } = error as { code?: string }
    tell({ opencpns: 'failed', code, message: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
    return
  }
  onReady()
  const { cpns, radius, radsec } = part.addresses
  tell({
    opencpns: 'ready',
    addresses: { ...only('cpns', cpns), ...only('radius', radius), ...only('radsec', radsec) },
  })
  await part.close({ graceMs: await ended.promise })
}

function only<K extends string>(door: K, address: Address | undefined): { [door in K]?: Address } {
  return address === undefined ? {} : ({ [door]: address } as { [door in K]: Address })
}

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}
