// A small HTTP listener for whoever watches a gateway: /metrics for Prometheus, /healthz and /readyz for who starts it. It tells
// no secret and changes nothing, so it has no token: it belongs on the loopback address or in a network of the operator's.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Address, type Logger, listenTcp } from '@opencpns/io'

const CONNECTIONS_MAX = 64
const REQUEST_MS = 5000
const HEADER_MAX_OCTETS = 8192

/** What there is to tell. */
export interface Watched {
  metrics(): Promise<{ readonly type: string; readonly body: string }>
  /** False while it takes no connections of PNEs. */
  isReady(): boolean
  /** Whether there is a connection to a server; `none` where there are no connections (RADIUS). */
  server(): 'connected' | 'disconnected' | 'none'
}

export interface MetricsListener {
  readonly address: Address
  close(): void
}

/** @throws {IoError} PORT_TAKEN, LISTEN_FAILED */
export async function openMetricsListener(where: Address, watched: Watched, logger: Logger): Promise<MetricsListener> {
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: HEADER_MAX_OCTETS }
  const server = createServer({ ...limits, connectionsCheckingInterval: REQUEST_MS }, (request, response) => {
    answer(request, response, watched).catch((err) => {
      logger.error({ event: 'fault', err }, 'metrics could not be told')
      response.destroy()
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  const { host, port } = await listenTcp(server, where)
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { address: { host, port }, close }
}

async function answer({ method, url = '' }: IncomingMessage, response: ServerResponse, watched: Watched) {
  const [path] = url.split('?')
  if (path !== '/metrics' && path !== '/healthz' && path !== '/readyz') return send(response, 404, 'text/plain', '')
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return send(response, 405, 'text/plain', '')
  }
  if (path === '/metrics') {
    const { type, body } = await watched.metrics()
    return send(response, 200, type, body)
  }
  if (path === '/healthz') return sendJson(response, 200, { status: 'ok' })
  const isReady = watched.isReady()
  return sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', server: watched.server() })
}

function sendJson(response: ServerResponse, status: number, document: object): void {
  send(response, status, 'application/json', JSON.stringify(document))
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
}
