// NAME=HOST:PORT: a service that a gateway offers to its devices, and where it is.
import { InvalidArgumentError } from 'commander'
import { type Endpoint, parseEndpoint } from '../../endpoint.ts'

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

export interface ServiceOption {
  readonly name: string
  readonly endpoint: Endpoint
}

export function isServiceName(name: string): boolean {
  return NAME.test(name)
}

/** @throws {InvalidArgumentError} */
export function parseService(text: string): ServiceOption {
  const [name = '', ...rest] = text.split('=')
  if (!isServiceName(name) || rest.length !== 1) {
    throw new InvalidArgumentError('It is not NAME=HOST:PORT. Write for example mqtt=127.0.0.1:1883')
  }
  return { name, endpoint: parseEndpoint(rest.join('')) }
}
