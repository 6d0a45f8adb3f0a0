// The admin door: an HTTP API for the operator's tools and the console. On the loopback address it needs no TLS, elsewhere it does.
import type { AddressInfo, Socket } from 'node:net'
import cookies from '@fastify/cookie'
import { IoError, type Logger } from '@opencpns/io'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from '../../registry.ts'
import { addConsole } from '../console.ts'
import { auditChanges } from './audit.ts'
import { Authorization, guard } from './authorization.ts'
import type { AdminContext } from './context.ts'
import { addHealthRoutes, type Fitness } from './health.ts'
import { checkHost } from './host.ts'
import { rememberAnswers } from './idempotency.ts'
import { addMetricsRoute, type MetricsText } from './metrics.ts'
import { addOpenApiRoute, collectRoutes } from './openapi.ts'
import { PROBLEM_TYPE, problem, refuse, toProblem } from './problems.ts'
import { addRoutes } from './routes/index.ts'
import type { Problem } from './schemas/index.ts'
import { addLoginRoute, addSessionRoutes } from './session.ts'
import { type AdminTls, checkListen, httpsOf, isLoopback } from './tls.ts'

const LOOPBACK = '127.0.0.1'
const BODY_MAX_OCTETS = 64 * 1024
const REQUEST_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 30_000
/** More than those who may watch. */
const CONNECTIONS_MAX = 500

export interface AdminDoorOptions extends AdminContext {
  /** Whether the server is fit to serve; without it, it is as long as it runs. */
  fitness?: Fitness | undefined
  /** base64url of 32 random octets or more: the admin.token of the data folder, whose holder is the admin `local` */
  token: string
  metrics?: MetricsText | undefined
  tls?: AdminTls | undefined
  /** It may listen beyond the loopback address without TLS, for a proxy stands before it. */
  isExposed?: boolean | undefined
}

export interface AdminDoor {
  /**
   * @param host  the loopback address unless told otherwise
   * @param port  0, the default, for any free one
   * @returns where it listens
   * @throws {AdminError} ADMIN_NEEDS_TLS @throws {IoError} PORT_TAKEN, LISTEN_FAILED
   */
  listen(host?: string, port?: number): Promise<{ host: string; port: number; url: string }>
  /** Ends all connections. */
  close(): Promise<void>
}

/** @throws {AdminError} TLS_FILE_INVALID */
export function createAdminDoor(options: AdminDoorOptions): AdminDoor {
  const { token, fitness, metrics, tls, isExposed, ...context } = options
  const { registry, watch, logger } = context
  const { operators, realm } = registry
  const authorization = new Authorization(operators, token)
  const app = makeApp(logger, tls)
  let isPrivate = false
  checkHost(app, () => isPrivate && tls === undefined)
  collectRoutes(app)
  app.register(cookies)
  app.register(async (open) => {
    addHealthRoutes(open, realm, fitness ?? fitAsItRuns(registry))
    addOpenApiRoute(open)
    addConsole(open, { logger })
    if (metrics) addMetricsRoute(open, { metrics, authorization, needsToken: () => !isPrivate })
    addLoginRoute(open, { authorization, operators, realm, logger })
  })
  app.register(async (guarded) => {
    guard(guarded, authorization)
    rememberAnswers(guarded, operators, logger)
    auditChanges(guarded, { operators, onAudited: (row) => watch?.live.audited(row), logger })
    addSessionRoutes(guarded, { operators, realm })
    addRoutes(guarded, context)
  })
  return {
    async listen(host = LOOPBACK, port = 0) {
      checkListen({ host, tls, isExposed })
      isPrivate = isLoopback(host) && isExposed !== true
      return listen(app, host, port, tls ? 'https' : 'http')
    },
    close: () => app.close(),
  }
}

function fitAsItRuns(registry: Registry): Fitness {
  return { store: () => registry.newestRevocation(), isDoorOpen: () => true, isDraining: () => false }
}

function makeApp(logger: Logger | undefined, tls: AdminTls | undefined): FastifyInstance {
  const app = Fastify({
    ...httpsOf(tls),
    logger: false,
    bodyLimit: BODY_MAX_OCTETS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: true,
    // What a schema does not allow is refused: nothing is converted, nothing dropped in silence.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: refuse,
    clientErrorHandler: refuseUnreadable,
  })
  app.server.maxConnections = CONNECTIONS_MAX
  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    const facts = { event: 'admin-request', method, route: routeOptions.url, status: statusCode, ms: elapsedTime }
    logger?.debug(facts, 'admin request')
  })
  app.setErrorHandler((error, request, reply) => {
    if (toProblem(error).status >= 500) {
      logger?.error({ event: 'admin-request-failed', err: error }, 'an admin request failed')
    }
    refuse(error, request, reply)
  })
  return app
}

/** What is not HTTP, or came too slowly, never gets to a route. */
function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const answer: Problem =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? problem(408, 'REQUEST_TIMEOUT', 'the request took too long: send it at once')
      : problem(400, 'REQUEST_INVALID', 'the request is malformed')
  const body = JSON.stringify(answer)
  const head = `HTTP/1.1 ${answer.status} ${answer.title}\r\ncontent-type: ${PROBLEM_TYPE}\r\n`
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`)
}

async function listen(app: FastifyInstance, host: string, port: number, scheme: 'http' | 'https') {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
      throw new IoError('PORT_TAKEN', `${host}:${port} is in use: choose another port`, { cause })
    }
    throw new IoError('LISTEN_FAILED', `cannot listen at ${host}:${port}: choose another address`, {
      cause,
    })
  }
  const address = app.server.address() as AddressInfo
  const authority = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { host: address.address, port: address.port, url: `${scheme}://${authority}:${address.port}` }
}
