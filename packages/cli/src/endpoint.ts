// HOST:PORT, as people type it: an IPv6 address stands in brackets. The roles have the same from io, but to load all of that
// for one option would make every --help wait.
import { InvalidArgumentError } from 'commander'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

const ENDPOINT =
  /^(?:\[(?<v6>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)):(?<port>\d{1,5})$/

/** For options that say where to listen: port 0 takes any free port. @throws {InvalidArgumentError} */
export function parseListen(text: string): Endpoint {
  const { v6, name, port } = ENDPOINT.exec(text)?.groups ?? {}
  const host = v6 ?? name
  if (host === undefined || Number(port) > 65_535) {
    throw new InvalidArgumentError('It is not HOST:PORT. Write for example 127.0.0.1:7411 or [::1]:7411')
  }
  return { host, port: Number(port) }
}

/** For options that say where somebody listens. @throws {InvalidArgumentError} */
export function parseEndpoint(text: string): Endpoint {
  const endpoint = parseListen(text)
  if (endpoint.port === 0) throw new InvalidArgumentError('Nobody listens on port 0. Give the port of the other side')
  return endpoint
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
