// [BIND:]PORT=SERVICE: a local port, and the service of the gateway that it leads to.
import { InvalidArgumentError } from 'commander'
import { type Endpoint, parseListen } from '../../endpoint.ts'

const LOOPBACK = '127.0.0.1'

export interface Forwarding {
  readonly listen: Endpoint
  readonly service: string
}

/** @throws {InvalidArgumentError} */
export function parseForwarding(text: string): Forwarding {
  const { bind, port, service } = /^(?:(?<bind>[^=]*):)?(?<port>\d+)=(?<service>.*)$/.exec(text)?.groups ?? {}
  if (port === undefined || service === undefined) {
    throw new InvalidArgumentError('It is not [BIND:]PORT=SERVICE. Write for example 1883=mqtt or 0.0.0.0:8080=http')
  }
  return { listen: parseListen(`${bind ?? LOOPBACK}:${port}`), service: parseServiceName(service) }
}

/** What a session may name: docs/protocol.md section 4.1. @throws {InvalidArgumentError} */
export function parseServiceName(text: string): string {
  if (text !== '' && Buffer.byteLength(text) <= 64 && !/[\p{Cc}\uFEFF]/u.test(text)) return text
  throw new InvalidArgumentError('It is not the name of a service: that has 1 to 64 octets. Write for example mqtt')
}
