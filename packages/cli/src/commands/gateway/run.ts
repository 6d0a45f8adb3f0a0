// `opencpns gateway run`
import { runGateway } from '@opencpns/gateway'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { openLog } from '../../log.ts'
import { printResult } from '../../output.ts'
import { aborted, GRACE_MS, onceAskedToEnd } from '../../signals.ts'
import type { Server } from './server.ts'
import type { Service } from './service.ts'

const HELP = 'For help: opencpns gateway run --help'

interface Options extends CommonOptions {
  credential?: string
  identity?: string
  data: string
  server: Server
  secretFile?: string
  listen: Endpoint
  service?: Service[]
}

export async function run(options: Options): Promise<undefined> {
  const { data, listen, service, json, logLevel } = options
  const atServer = serverOf(options)
  const asked = onceAskedToEnd()
  const logger = await openLog(logLevel)
  const services = Object.fromEntries((service ?? []).map(({ name, endpoint }) => [name, endpoint]))
  const gateway = await runGateway({ ...atServer, dataDir: data, listen, services, logger })
  const address = formatEndpoint(gateway.address)
  const words = `Gateway ${gateway.identity}: devices connect to ${address}. Ctrl-C ends it.`
  printResult(json, { event: 'ready', listen: { pne: address } }, words)
  await aborted(asked)
  await gateway.close({ graceMs: GRACE_MS })
}

/** @throws {CliError} USAGE: options that do not go together */
function serverOf({ server: { kind, ...server }, credential, identity, secretFile }: Options) {
  if (kind === 'cpns') {
    if (secretFile !== undefined || identity !== undefined) {
      throw new CliError('USAGE', `--secret-file and --identity are for an AAA server, radius://HOST[:PORT]. ${HELP}`)
    }
    if (credential === undefined) throw new CliError('USAGE', `--credential FILE is missing. ${HELP}`)
    return { server, credentialFile: credential }
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
