// `opencpns pne connect -L`: local ports that lead to services of a gateway.
import { type Forward, forward, readCredential, TransientKeys } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { codeOf } from '../../exit.ts'
import { openLog } from '../../log.ts'
import { printResult } from '../../output.ts'
import { aborted } from '../../signals.ts'
import { openTelemetry } from '../../telemetry.ts'
import type { Forwarding } from './forwarding.ts'

interface Options extends CommonOptions {
  credential: string
}

/** Forwards until it is asked to end. The gateway may be down: it is asked when a connection comes. */
export async function forwardPorts(
  forwardings: readonly Forwarding[],
  { credential: file, json, logLevel }: Options,
  at: Endpoint,
  asked: AbortSignal,
): Promise<void> {
  const credential = await readCredential(file)
  const logger = await openLog(logLevel)
  const tracer = await openTelemetry('pne', logger)
  const transientKeys = new TransientKeys()
  const open: Forward[] = []
  try {
    for (const { listen, service } of forwardings) {
      const onError = (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        logger.warn({ event: 'no-session', service, code: codeOf(error) }, `no session for ${service}: ${reason}`)
      }
      open.push(await forward({ ...at, credential, transientKeys, listen, service, onError, tracer }))
    }
    const forwards = open.map(({ address, service }) => ({ listen: formatEndpoint(address), service }))
    const words = forwards.map(({ listen, service }) => `${listen} leads to ${service} at ${formatEndpoint(at)}.`)
    printResult(json, { event: 'ready', forwards }, [...words, 'Ctrl-C ends it.'].join('\n'))
    await aborted(asked)
  } finally {
    await Promise.all(open.map((one) => one.close()))
  }
}
