// The configuration file of a device that stays connected. What each key means: docs/device.md.
import { type Endpoint, parseEndpoint, parseListen } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { by, Invalid, type Reader, readToml, table, within, yesOrNo } from '../../toml.ts'
import { type Forwarding, parseServiceName } from './forwarding.ts'

const GATEWAYS_MAX = 16
const FORWARDS_MAX = 64

export interface DeviceConfig {
  readonly credential: string
  /** In order of preference. */
  readonly gateways: readonly Endpoint[]
  /** Whether to look for gateways on the local network, after those. */
  readonly discover: boolean
  readonly forwards: readonly Forwarding[]
}

/** @throws {CliError} CONFIG_UNREADABLE, CONFIG_INVALID */
export async function readDeviceConfig(file: string): Promise<DeviceConfig> {
  const {
    credential,
    gateway,
    gateways = gateway ? [gateway] : [],
    discover = false,
    forward: forwards = [],
  } = await readToml(file, (path) => ({
    credential: path,
    gateway: by(parseEndpoint),
    gateways: listOf(by(parseEndpoint), GATEWAYS_MAX),
    discover: yesOrNo,
    forward: listOf(forwarding, FORWARDS_MAX),
  }))
  const invalid = (what: string) => new CliError('CONFIG_INVALID', `cannot use ${file}: ${what}`)
  if (credential === undefined) throw invalid('credential is missing. Write for example credential = "watch.json"')
  if (gateway && gateways[0] !== gateway) throw invalid('there is both gateway and gateways. Keep one of them')
  if (gateways.length === 0 && !discover) {
    throw invalid('no gateway is given. Write for example gateway = "192.168.1.2:7411", or discover = true')
  }
  return { credential, gateways, discover, forwards }
}

function forwarding(value: unknown, at: string): Forwarding {
  const { listen, service } = table(value, at, { listen: by(parseListen), service: by(parseServiceName) })
  if (!listen) throw new Invalid(at, 'has no listen. Write for example listen = "127.0.0.1:1883"')
  if (service === undefined) throw new Invalid(at, 'has no service. Write for example service = "mqtt"')
  return { listen, service }
}

function listOf<T>(reader: Reader<T>, max: number): Reader<T[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length > max) throw new TypeError(`is not a list of ${max} at most`)
    return value.map((one, index) => {
      const key = `${at}[${index}]`
      return within(key, () => reader(one, key))
    })
  }
}
