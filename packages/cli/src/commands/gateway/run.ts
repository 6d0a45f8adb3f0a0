// `opencpns gateway run`
import { type GatewayOptions, runGateway, type Service } from '@opencpns/gateway'
import type { CommonOptions } from '../../command.ts'
import { announce, isLoopback } from '../../discovery/announce.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { openLog } from '../../log.ts'
import { printResult } from '../../output.ts'
import { serviceManager } from '../../service-manager.ts'
import { aborted, GRACE_MS, onceAskedToEnd } from '../../signals.ts'
import { openTelemetry } from '../../telemetry.ts'
import { type GatewayConfig, readConfig } from './config.ts'
import type { Server } from './server.ts'
import type { ServiceOption } from './service.ts'

const EVERYWHERE = { host: '0.0.0.0', port: 7411 }
const HELP = 'For help: opencpns gateway run --help'

interface Options extends CommonOptions {
  config?: string
  credential?: string
  identity?: string
  data?: string
  server?: Server[]
  secretFile?: string
  listen?: Endpoint
  advertise?: string[]
  metrics?: Endpoint
  service?: ServiceOption[]
  rotateAfter?: number
  announce?: boolean
}

export async function run(options: Options): Promise<undefined> {
  const { json, logLevel } = options
  const { announce: wanted, ...settings } = await settingsOf(options)
  const asked = onceAskedToEnd()
  const logger = await openLog(logLevel)
  const gateway = await runGateway({ ...settings, logger, tracer: await openTelemetry('gateway', logger) })
  const address = formatEndpoint(gateway.address)
  const listen = { pne: address, ...(gateway.metrics && { metrics: formatEndpoint(gateway.metrics) }) }
  const metrics = listen.metrics === undefined ? '' : `, metrics are at ${listen.metrics}`
  const words = `Gateway ${gateway.identity}: devices connect to ${address}${metrics}. Ctrl-C ends it.`
  printResult(json, { event: 'ready', listen }, words)
  const { identity, address: listening } = gateway
  const withdraw = (wanted ?? !isLoopback(listening)) ? announce({ identity, port: listening.port, logger }) : undefined
  const manager = serviceManager(logger)
  manager.ready(`Gateway ${identity}: devices connect to ${address}`)
  await aborted(asked)
  manager.stopping()
  await Promise.all([withdraw?.(), gateway.close({ graceMs: GRACE_MS })])
}

/**
 * What the options say, and else the configuration file, and else the default.
 * @throws {CliError} USAGE, CONFIG_UNREADABLE, CONFIG_INVALID
 */
async function settingsOf({
  config: file,
  service = [],
  ...options
}: Options): Promise<Omit<GatewayOptions, 'logger'> & { announce: boolean | undefined }> {
  const config = file === undefined ? { services: {} } : await readConfig(file)
  const {
    data: dataDir,
    listen = EVERYWHERE,
    advertise,
    announce,
    metrics,
    rotateAfter: rotateAfterMs,
    ...settings
  } = { ...config, ...options }
  if (dataDir === undefined) throw new CliError('USAGE', `--data DIR is missing. ${HELP}`)
  return {
    ...serverOf(settings),
    dataDir,
    listen,
    advertise,
    announce,
    metrics,
    rotateAfterMs,
    services: merged(config.services, service),
  }
}

/** An option moves a service elsewhere; who may use it stays as the file says. */
function merged(configured: Readonly<Record<string, Service>>, options: readonly ServiceOption[]) {
  const moved = options.map(({ name, endpoint }) => [name, { ...configured[name], ...endpoint }])
  return { ...configured, ...Object.fromEntries(moved) }
}

/** @throws {CliError} USAGE: what does not go together */
function serverOf({ server: given = [], credential, identity, secretFile }: Omit<GatewayConfig, 'services'>) {
  const [first, ...others] = given
  if (first === undefined) throw new CliError('USAGE', `--server SERVER is missing. ${HELP}`)
  const { kind, ...server } = first
  if (others.length > 0 && given.some((one) => one.kind === 'radius')) {
    throw new CliError('USAGE', `several servers are replicas of a CPNS Server; of AAA servers give one. ${HELP}`)
  }
  if (kind === 'cpns') {
    if (secretFile !== undefined || identity !== undefined) {
      throw new CliError('USAGE', `--secret-file and --identity are for an AAA server, radius://HOST[:PORT]. ${HELP}`)
    }
    if (credential === undefined) throw new CliError('USAGE', `--credential FILE is missing. ${HELP}`)
    return { servers: given.map(({ host, port }) => ({ host, port })), credentialFile: credential }
  }
  if (secretFile === undefined) {
    throw new CliError(
      'USAGE',
      `--secret-file FILE is missing: the secret that the AAA server has for this gateway. ${HELP}`,
    )
  }
  if ((credential === undefined) === (identity === undefined)) {
    throw new CliError(
      'USAGE',
      'the gateway has no name, or two: give either --identity NAME@REALM or --credential FILE',
    )
  }
  return { server: { ...server, secretFile }, credentialFile: credential, identity }
}
