// TCP: addresses as people write them, connecting, listening, with errors that say what to do.

import { createServer, connect as open, type Server, type Socket } from 'node:net'
import { type Limits, watch } from './deadline.ts'
import { IoError, swallowErrors, systemCode } from './errors.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

const HOST_PORT =
  /^(?:\[(?<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?))?(?::(?<port>\d{1,5}))?$/

/**
 * Reads `127.0.0.1:7411`, `[::1]:7411`, `hub.example.org:7411`; with defaults a part may be missing: `hub`, `:7411`.
 * @throws {IoError} BAD_ADDRESS
 */
export function parseHostPort(text: string, defaults: Partial<Address> = {}): Address {
  const { v6, name, port } = HOST_PORT.exec(text)?.groups ?? {}
  const host = v6 ?? name ?? defaults.host
  const number = port === undefined ? defaults.port : Number(port)
  if (text !== '' && host !== undefined && number !== undefined && number <= 65_535) return { host, port: number }
  throw new IoError('BAD_ADDRESS', `"${text}" is not HOST:PORT: write for example 127.0.0.1:7411 or [::1]:7411`)
}

/** The opposite: an IPv6 address stands in brackets. */
export function formatHostPort({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Opens a connection, with TCP_NODELAY.
 * @throws {IoError} UNREACHABLE, DEADLINE_EXCEEDED, ABORTED
 */
export function connectTcp({ host, port, ...limits }: Address & Limits): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = open({ host, port, noDelay: true })
    const where = formatHostPort({ host, port })
    swallowErrors(socket)
    const settle = (error?: IoError) => {
      stop()
      socket.off('connect', onConnect).off('error', onError)
      if (!error) return resolve(socket)
      socket.destroy()
      reject(error)
    }
    const onConnect = () => settle()
    const onError = (cause: Error) => {
      settle(new IoError('UNREACHABLE', `cannot reach ${where}: ${reasonOf(cause)}`, { cause }))
    }
    const stop = watch(limits, `connecting to ${where}`, settle)
    socket.on('connect', onConnect).on('error', onError)
  })
}

/** Where a server listens: with port 0 asked for, the port that it got. */
export interface Listening extends Address {
  readonly server: Server
}

/**
 * Makes a server listen; given a handler of connections it makes the server too, with TCP_NODELAY.
 * @throws {IoError} PORT_TAKEN, LISTEN_FAILED
 */
export function listenTcp(what: Server | ((socket: Socket) => void), { host, port }: Address): Promise<Listening> {
  const server = typeof what === 'function' ? createServer({ noDelay: true }, what) : what
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => {
      server.off('listening', onListening)
      reject(listenError({ host, port }, cause))
    }
    const onListening = () => {
      server.off('error', onError)
      const address = server.address()
      if (address === null || typeof address === 'string') throw new TypeError('not a TCP server')
      resolve({ server, host: address.address, port: address.port })
    }
    server.once('error', onError).once('listening', onListening)
    server.listen({ host, port })
  })
}

function listenError({ host, port }: Address, cause: Error): IoError {
  const code = systemCode(cause)
  if (code === 'EADDRINUSE') {
    const advice = 'stop the program that uses it or choose another with --listen'
    return new IoError('PORT_TAKEN', `port ${port} of ${host} is taken: ${advice}`, { cause })
  }
  const where = formatHostPort({ host, port })
  if (code === 'EACCES') {
    const advice = 'permission denied. Choose a port above 1023 with --listen'
    return new IoError('LISTEN_FAILED', `cannot listen on ${where}: ${advice}`, { cause })
  }
  if (code === 'EADDRNOTAVAIL') {
    const advice = 'this machine has no such address. Choose another with --listen'
    return new IoError('LISTEN_FAILED', `cannot listen on ${where}: ${advice}`, { cause })
  }
  return new IoError('LISTEN_FAILED', `cannot listen on ${where}: ${reasonOf(cause)}`, { cause })
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to its network',
  ETIMEDOUT: 'no answer',
  EADDRNOTAVAIL: 'no such address',
}

function reasonOf(cause: unknown): string {
  const code = systemCode(cause)
  return reasons[code ?? ''] ?? code ?? 'unknown reason'
}
