// `opencpns pne run`: a device that stays connected.
import type { Logger } from '@opencpns/io'
import { type DeviceEvent, readCredential, runDevice } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import { browse, placesOf } from '../../discovery/browse.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { codeOf } from '../../exit.ts'
import { openLog } from '../../log.ts'
import { printResult } from '../../output.ts'
import { aborted, onceAskedToEnd } from '../../signals.ts'
import { openTelemetry } from '../../telemetry.ts'
import { type DeviceConfig, readDeviceConfig } from './config.ts'

const SEARCH_MS = 3000

interface Options extends CommonOptions {
  config: string
}

export async function run({ config: file, json, logLevel }: Options): Promise<undefined> {
  const asked = onceAskedToEnd()
  const { credential: credentialFile, forwards, ...where } = await readDeviceConfig(file)
  const credential = await readCredential(credentialFile)
  const logger = await openLog(logLevel)
  const onEvent = teller(json, logger)
  const gateways = where.discover
    ? (signal: AbortSignal) => search(where.gateways, credential.gateway, signal)
    : where.gateways
  const tracer = await openTelemetry('pne', logger)
  const device = await runDevice({ credential, gateways, forwards, onEvent, tracer })
  const open = device.forwards.map(({ address, service }) => ({ listen: formatEndpoint(address), service }))
  const words = open.map(({ listen, service }) => `${listen} leads to ${service}.`)
  printResult(json, { event: 'ready', forwards: open }, [...words, `${credential.pneId} is running.`].join('\n'))
  await Promise.race([aborted(asked), device.ended])
  await device.close()
}

/** Those that are given first, then what the local network has. */
async function search(given: DeviceConfig['gateways'], home: string, signal: AbortSignal): Promise<Endpoint[]> {
  return [...given, ...placesOf(await browse({ timeoutMs: SEARCH_MS, signal, until: home }), home)]
}

/** Connections and their ends go to stdout, what else happens to the log; the same failure again and again, once. */
function teller(json: true | undefined, logger: Logger): (event: DeviceEvent) => void {
  let told = ''
  const tell = (facts: { event: string }, message: string) => {
    const isNew = message !== told
    told = message
    logger[isNew ? 'warn' : 'debug'](facts, message)
  }
  return (event) => {
    switch (event.event) {
      case 'connected': {
        const { case: theCase, gateway, sessionId, ms } = event.facts
        const at = formatEndpoint(event.at)
        told = ''
        const document = { event: 'connected', gateway, at, case: theCase, sessionId, ms }
        return printResult(json, document, `Connected to ${gateway} at ${at}: ${theCase} case, ${ms.toFixed(1)} ms.`)
      }
      case 'disconnected': {
        const { gateway, reason } = event
        const document = { event: 'disconnected', gateway, at: formatEndpoint(event.at), reason }
        return printResult(json, document, `Disconnected from ${gateway}: ${reason}.`)
      }
      case 'failed':
        return tell({ event: 'failed', ...codes(event.error) }, `${formatEndpoint(event.at)}: ${event.error.message}`)
      case 'none-found':
        return tell({ event: 'none-found' }, 'no gateway was found on the local network')
      case 'no-session':
        return logger.warn(
          { event: 'no-session', service: event.service, ...codes(event.error) },
          `no session for ${event.service}: ${event.error instanceof Error ? event.error.message : event.error}`,
        )
      case 'waiting':
        return logger.debug({ event: 'waiting', ms: event.ms }, `the next attempt is in ${event.ms} ms`)
      case 'woke':
        return logger.info({ event: 'woke' }, 'the machine slept, or has other addresses')
    }
  }
}

function codes(error: unknown): { code: string | undefined } {
  return { code: codeOf(error) }
}
