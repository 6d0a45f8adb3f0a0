// What devices authenticate at: gateways of this process, whole or only their links, or gateways that run already.
import { openUpstream } from '@opencpns/gateway'
import type { Job } from '../messages.ts'
import { addDevices } from './devices.ts'
import { FlowTarget } from './gateways.ts'
import { LinkTarget } from './links.ts'

export interface Target {
  /** Authenticates device number `number`, and again from the first when there are no more. @throws an error with a `code` */
  authenticate(number: number): Promise<void>
  close(): unknown
}

/** Enters the devices of this worker at the server, and is ready for them. @throws {CliError} BENCH_FAILED */
export async function openTarget(job: Job): Promise<Target> {
  const links = job.gateways.map((gateway) => {
    const credential = { ...gateway, secret: Buffer.from(gateway.secret, 'base64url') }
    return { gateway, upstream: openUpstream({ servers: job.servers, credential }) }
  })
  const closeLinks = () => {
    for (const { upstream } of links) upstream.close()
  }
  try {
    const devices = await addDevices(links, job.devices)
    if (job.way === 'links') return new LinkTarget(links, devices)
    closeLinks()
    return job.way === 'whole gateways' ? await FlowTarget.atOwn(devices, job) : FlowTarget.atRunning(devices, job)
  } catch (error) {
    closeLinks()
    throw error
  }
}
