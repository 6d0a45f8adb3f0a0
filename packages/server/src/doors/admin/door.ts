// The admin door: a local HTTP API for the operator's tools, with a bearer token. No TLS: it is for the loopback address,
// and whoever binds it elsewhere puts a TLS proxy before it.
import type { AddressInfo, Socket } from 'node:net'
import { IoError, type Logger } from '@opencpns/io'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Registry } from '../../registry.ts'
import { addConsole } from '../console.ts'
import { bearerCheck } from './authorization.ts'
import type { AdminContext } from './context.ts'
import { addHealthRoutes, type Fitness } from './health.ts'
import { addOpenApiRoute, collectRoutes } from './openapi.ts'
import { PROBLEM_TYPE, problem, toProblem } from './problems.ts'
import { addRoutes } from './routes/index.ts'
import type { Problem } from './schemas/index.ts'

const LOOPBACK = '127.0.0.1'
const BODY_MAX_OCTETS = 64 * 1024
const REQUEST_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 30_000

export interface AdminDoorOptions extends AdminContext {
  /** Whether the server is fit to serve; without it, it is as long as it runs. */
  fitness?: Fitness | undefined
  /** base64url of 32 random octets or more: the admin.token of the data folder */
  token: string
}

export interface AdminDoor {
  /**
   * @param host  the loopback address unless told otherwise
   * @param port  0, the default, for any free one
   * @returns where it listens
   * @throws {IoError} PORT_TAKEN, LISTEN_FAILED
   */
  listen(host?: string, port?: number): Promise<{ host: string; port: number; url: string }>
  /** Ends all connections. */
  close(): Promise<void>
}

export function createAdminDoor({ token, fitness, ...context }: AdminDoorOptions): AdminDoor {
  const { registry, logger } = context
  const app = makeApp(logger)
  collectRoutes(app)
  app.register(async (open) => {
    addHealthRoutes(open, registry.realm, fitness ?? fitAsItRuns(registry))
    addOpenApiRoute(open)
  })
  addConsole(app, { logger })
  app.register(async (guarded) => {
    requireToken(guarded, token)
    addRoutes(guarded, context)
  })
  return { listen: (host = LOOPBACK, port = 0) => listen(app, host, port), close: () => app.close() }
}

function fitAsItRuns(registry: Registry): Fitness {
  return { store: () => registry.newestRevocation(), isDoorOpen: () => true, isDraining: () => false }
}

function makeApp(logger: Logger | undefined): FastifyInstance {
  const app = Fastify({
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
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    logger?.debug({ method, route: routeOptions.url, status: statusCode, ms: elapsedTime }, 'admin request')
  })
  app.setErrorHandler((error, request, reply) => {
    if (toProblem(error).status >= 500) logger?.error({ err: error }, 'an admin request failed')
    refuse(error, request, reply)
  })
  return app
}

function refuse(error: unknown, _request: unknown, reply: unknown): void {
  const answer = toProblem(error)
  ;(reply as FastifyReply).code(answer.status).type(PROBLEM_TYPE).send(answer)
}

/** Unknown paths are behind the token too: without it nobody learns what there is. */
function requireToken(app: FastifyInstance, token: string): void {
  const isAuthorized = bearerCheck(token)
  app.addHook('onRequest', async ({ headers }, reply) => {
    if (isAuthorized(headers.authorization)) return
    const answer = problem(
      401,
      'TOKEN_REQUIRED',
      'send "Authorization: Bearer TOKEN" with the admin.token of the data folder',
    )
    return reply.code(401).header('www-authenticate', 'Bearer realm="opencpns"').type(PROBLEM_TYPE).send(answer)
  })
  app.setNotFoundHandler((_request, reply) => {
    const answer = problem(404, 'ROUTE_UNKNOWN', 'there is nothing at this path for this method')
    return reply.code(404).type(PROBLEM_TYPE).send(answer)
  })
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

async function listen(app: FastifyInstance, host: string, port: number) {
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
  return { host: address.address, port: address.port, url: `http://${authority}:${address.port}` }
}
