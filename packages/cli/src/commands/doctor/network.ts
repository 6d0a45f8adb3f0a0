// What is reached from here, what can be listened on, and whether two clocks agree.
import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { connect, createServer } from 'node:net'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { attempt, type Finding, type Report, reporter } from './check.ts'

const CONNECT_MS = 5000
const CLOCK_OK_S = 5
/** Challenges are good for 300 s; half a minute of them is kept back. */
const CLOCK_MAX_S = 120

const report = reporter('network')

/** Whether the port is free on all addresses: a default port that another program has is no fault, if another is given. */
export async function examinePort(to: Report, port: number): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const server = createServer()
  server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  server.listen(port, () => server.close(() => resolve(undefined)))
  const refused = await promise
  if (refused === undefined) return to(`port ${port}`, 'ok', 'free')
  const found = refused === 'EADDRINUSE' ? 'another program listens on it' : `it cannot be listened on (${refused})`
  return to(`port ${port}`, 'warn', found, 'stop that program, or listen elsewhere')
}

/** Whether somebody listens where the CPNS Server should. */
export function examineEndpoint(endpoint: Endpoint): Promise<Finding[]> {
  const where = formatEndpoint(endpoint)
  return attempt(report, where, async () => {
    const from = performance.now()
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const socket = connect(endpoint)
    socket.setTimeout(CONNECT_MS, () => resolve('no answer'))
    socket.once('connect', () => resolve(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    const refused = await promise
    socket.destroy()
    if (refused !== undefined) {
      const advice = 'check the name, the server, and what lies between: a firewall, a route'
      return report(where, 'fail', `not reached: ${refused}`, advice)
    }
    const ms = Math.round(performance.now() - from)
    const more =
      'Whether it is a CPNS Server which knows the gateway, only the gateway can tell: opencpns gateway status'
    return report(where, 'ok', `reached in ${ms} ms. ${more}`)
  })
}

/** Whether the admin API at this address answers, and whether its clock and ours agree. */
export function examineUrl(url: string): Promise<Finding[]> {
  return attempt(report, url, async () => {
    const from = Date.now()
    const date = await dateOf(new URL('/healthz', url)).catch((error: NodeJS.ErrnoException) => error)
    if (date instanceof Error) {
      const advice = 'check the address, and that the server listens there: --admin'
      return report(url, 'fail', `not reached: ${'code' in date ? date.code : date.message}`, advice)
    }
    const reached = report(url, 'ok', `reached in ${Date.now() - from} ms`)
    return [reached, ofClocks(date, (from + Date.now()) / 2)]
  })
}

function ofClocks(theirs: number | undefined, ours: number): Finding {
  if (theirs === undefined) return report('clocks', 'unknown', 'the server does not tell its time')
  const apart = Math.abs(theirs - ours) / 1000
  const found = `${apart.toFixed(0)} s apart`
  if (apart <= CLOCK_OK_S) return report('clocks', 'ok', `${found}, to the second`)
  const advice = 'set both by the network: challenges, tickets and times in logs depend on them'
  return report('clocks', apart > CLOCK_MAX_S ? 'fail' : 'warn', found, advice)
}

/** The time that the server says it is, in ms since the epoch. The certificate is of no matter: nothing secret is said. */
function dateOf(url: URL): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const options = { timeout: CONNECT_MS, rejectUnauthorized: false, agent: false as const }
  const asked = (url.protocol === 'https:' ? overHttps : overHttp)(url, options, (response) => {
    response.resume()
    const date = Date.parse(response.headers.date ?? '')
    resolve(Number.isNaN(date) ? undefined : date)
  })
  asked.on('timeout', () => asked.destroy(new Error('no answer')))
  asked.on('error', reject).end()
  return promise
}
