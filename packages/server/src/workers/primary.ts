// A server of several processes (node:cluster). The primary has the door for the operator and nothing to do with gateways, so that
// no list or search keeps an authentication waiting; workers have the doors for gateways and stock equipment.

import cluster from 'node:cluster'
import { formatHostPort, silent } from '@opencpns/io'
import { AggregatorRegistry } from 'prom-client'
import { PrimaryBus } from '../bus/workers.ts'
import { openPart, type RunningServer, type ServerOptions, type ServerPart } from '../server.ts'
import { Crew } from './crew.ts'

const GRACE_MS = 5000

export interface WorkersOptions extends Omit<ServerOptions, 'bus'> {
  /** How many; each has a core of its own to fill. */
  readonly workers: number
}

/**
 * Runs a server with workers. Each runs the program of this process with its arguments, where it finds itself to be a worker
 * (`cluster.isWorker`) and calls {@link runWorker} with the same options.
 * @throws as {@link runServer}; {@link WorkerError}, with the code of what a worker failed for
 */
export async function runWorkers({ workers: count, ...options }: WorkersOptions): Promise<RunningServer> {
  const { logger = silent } = options
  const bus = new PrimaryBus(() => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined))
  const crew = new Crew({ count, bus, logger })
  const doors = { listen: undefined, radius: undefined, radsec: undefined }
  const metricsText = { text: () => textOf(part, crew) }
  const isDoorOpen = () => crew.ready > 0
  const part = await openPart({ ...options, ...doors, bus, metricsText, isDoorOpen })
  const close = async (graceMs: number) => {
    await crew.stop(graceMs)
    await part.close({ graceMs })
  }
  try {
    const addresses = { ...part.addresses, ...(await crew.start()) }
    const { cpns, admin, ...others } = addresses
    if (!cpns || !admin) throw new TypeError('a server has a door for gateways and one for the operator')
    const facts = { realm: part.realm, workers: count, cpns: formatHostPort(cpns), admin: formatHostPort(admin) }
    logger.info({ event: 'server-started', ...facts, ...others }, 'serving')
    return {
      realm: part.realm,
      addresses: { cpns, admin, ...others },
      async close({ graceMs = GRACE_MS } = {}) {
        await close(graceMs)
        logger.info({ event: 'server-stopped' }, 'stopped')
      },
    }
  } catch (error) {
    await close(0)
    throw error
  }
}

/** What all processes count and measure, together. */
async function textOf({ metrics }: ServerPart, crew: Crew): Promise<{ type: string; body: string }> {
  const [own, others] = await Promise.all([metrics.rows(), crew.metrics()])
  const all = AggregatorRegistry.aggregate([own, ...others])
  return { type: all.contentType, body: await all.metrics() }
}
