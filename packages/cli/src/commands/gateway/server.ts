// Whom a gateway asks about devices that it does not know: HOST:PORT is a CPNS Server, radius://HOST:PORT an AAA server.
import { InvalidArgumentError } from 'commander'
import { type Endpoint, parseEndpoint } from '../../endpoint.ts'

const RADIUS = 'radius://'
const RADIUS_PORT = 1812

export interface Server extends Endpoint {
  readonly kind: 'cpns' | 'radius'
}

/** @throws {InvalidArgumentError} */
export function parseServer(text: string): Server {
  if (text.startsWith(RADIUS)) return { kind: 'radius', ...parseRadius(text.slice(RADIUS.length)) }
  if (text.includes('://')) {
    throw new InvalidArgumentError('It is neither HOST:PORT of a CPNS Server nor radius://HOST:PORT of an AAA server')
  }
  return { kind: 'cpns', ...parseEndpoint(text) }
}

/** The port may be missing; a colon within brackets is none before a port. */
function parseRadius(text: string): Endpoint {
  return parseEndpoint(/:\d*$/.test(text) ? text : `${text}:${RADIUS_PORT}`)
}
