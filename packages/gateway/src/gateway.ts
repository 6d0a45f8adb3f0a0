// A running PN GW: its listener, and how it closes. Its parts are put together in assemble.ts.

import type { Socket } from 'node:net'
import { type Address, Admission, formatHostPort, IoError, listenTcp, sleep } from '@opencpns/io'
import { EndReason } from '@opencpns/protocol'
import { assemble, type GatewaySettings } from './assemble.ts'
import { GatewayError } from './errors.ts'
import { claimDataFolder, type DataFolder } from './keystore/data-folder.ts'
import { Load } from './load.ts'
import { openMetricsListener } from './metrics/listener.ts'
import type { GatewayMetrics } from './metrics/metrics.ts'
import type { GatewayParts } from './parts.ts'
import { PneConnection } from './pne-connection.ts'
import { serve } from './serve.ts'
import { StatusFile } from './status.ts'
import { checkAdvertised } from './tickets.ts'
import { chooseServer, type ServerChoice } from './upstream/choose.ts'

/** Connections that have not authenticated yet: docs/protocol.md section 8. */
const UNAUTHENTICATED_MAX = 1024
const GRACE_MS = 5000
/** How long a gateway that closes waits for the server to count its last reports. */
const DELIVERY_MS = 1000
const FORGET_INTERVAL_MS = 600_000

export interface GatewayOptions extends ServerChoice, GatewaySettings {
  /** Made when it is not there. */
  readonly dataDir: string
  /** Port 0: any free one. */
  readonly listen: Address
  /** Where PNEs find it, `HOST:PORT`, up to four: what pairing tickets name in place of where it listens. */
  readonly advertise?: readonly string[] | undefined
  /** Where /metrics, /healthz and /readyz are; without it nothing is counted. */
  readonly metrics?: Address | undefined
}

export interface Gateway {
  readonly address: Address
  /** Of /metrics, if it was asked for. */
  readonly metrics?: Address | undefined
  /** `NAME@REALM` */
  readonly identity: string
  /**
   * Takes no more connections, ends presence sessions, and lets service streams finish for `graceMs` (by default 5,000).
   * Idempotent.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

/**
 * Runs a gateway until it is closed.
 * @throws {GatewayError} CREDENTIAL_…, BAD_ARGUMENT, DATA_FOLDER_…, STORAGE_KEY_WRONG, DATABASE_…, PORT_TAKEN, LISTEN_FAILED
 */
export async function runGateway(options: GatewayOptions): Promise<Gateway> {
  const { advertise = [] } = options
  checkAdvertised(advertise)
  const chosen = await chooseServer(options)
  const { identity, realm } = chosen.name
  const folder = await claimDataFolder(options.dataDir, { identity, realm })
  folder.noteAdvertised(advertise)
  const metrics = options.metrics && new (await import('./metrics/metrics.ts')).GatewayMetrics()
  const parts = assemble(chosen, folder, options, metrics)
  const gateway = await listen(options.listen, folder, parts).catch((error) => {
    stop(folder, parts)
    throw error
  })
  return options.metrics && metrics ? watched(gateway, options.metrics, metrics, parts) : gateway
}

export async function listen(where: Address, folder: DataFolder, parts: GatewayParts): Promise<Gateway> {
  const { identity, logger } = parts
  const admission = new Admission(UNAUTHENTICATED_MAX)
  const load = new Load()
  const connections = new Map<PneConnection, Promise<unknown>>()
  const accept = (socket: Socket) => {
    const pne = new PneConnection(socket)
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const served = serve(pne, admission.admit(socket), parts, load)
    connections.set(
      pne,
      Promise.all([served, closed]).finally(() => connections.delete(pne)),
    )
  }
  const { server, host, port } = await listenTcp(accept, where).catch((error) => asGatewayError(error))
  const address = { host, port }
  folder.noteAddress(formatHostPort(address))
  const forgetting = setInterval(() => forgetOld(parts), FORGET_INTERVAL_MS).unref()
  parts.metrics?.watch({ ...parts, admission, folder, load })
  const status = new StatusFile(folder.dir, () => statusOf(parts))
  logger.info({ event: 'listening', gateway: identity, ...address }, 'the gateway is there')

  const close = async (graceMs: number) => {
    server.close()
    clearInterval(forgetting)
    load.close()
    for (const pne of connections.keys()) pne.end(EndReason.closing)
    const grace = setTimeout(() => {
      for (const pne of connections.keys()) pne.destroy()
    }, graceMs)
    await Promise.all(connections.values())
    clearTimeout(grace)
    await deliver(parts)
    await status.close()
    stop(folder, parts)
  }
  let closing: Promise<void> | undefined
  return {
    address,
    identity,
    close: ({ graceMs = GRACE_MS } = {}) => {
      closing ??= close(graceMs)
      return closing
    },
  }
}

/** The gateway, with a listener for whoever watches it. @throws {GatewayError} PORT_TAKEN, LISTEN_FAILED */
async function watched(gateway: Gateway, where: Address, metrics: GatewayMetrics, parts: GatewayParts) {
  let isReady = true
  const server = () => {
    const connection = parts.upstream.connection()
    return connection ? (connection.connected ? 'connected' : 'disconnected') : 'none'
  }
  const of = { metrics: () => metrics.text(), isReady: () => isReady, server }
  const listener = await openMetricsListener(where, of, parts.logger).catch(async (error) => {
    await gateway.close({ graceMs: 0 })
    return asGatewayError(error, '--metrics')
  })
  const close: Gateway['close'] = async (options) => {
    isReady = false
    await gateway.close(options)
    listener.close()
  }
  return { ...gateway, metrics: listener.address, close }
}

function forgetOld({ tickets, logger }: GatewayParts): void {
  try {
    tickets.forgetOld(Date.now())
  } catch (err) {
    logger.error({ event: 'fault', err }, 'old tickets could not be forgotten')
  }
}

function statusOf({ upstream, sessions, registrar }: GatewayParts) {
  const connection = upstream.connection()
  const server = connection ? since(connection) : null
  const servers = connection?.servers.map(({ address, ...one }) => ({ address, ...since(one) })) ?? []
  return { server, servers, sessions: { open: sessions.open, presence: registrar.open } }
}

function since({ connected, sinceMs }: { connected: boolean; sinceMs: number }) {
  return { connected, since: new Date(sinceMs).toISOString() }
}

/** The server is told that the sessions have ended, if it is there; otherwise the next start does it. */
async function deliver({ upstream, registrar, reporting }: GatewayParts): Promise<void> {
  registrar.flush()
  reporting.close()
  if (!upstream.connection()?.connected) return
  const waiting = new AbortController()
  await Promise.race([registrar.delivered(), sleep(DELIVERY_MS, waiting).catch(() => {})])
  waiting.abort()
}

function stop(folder: DataFolder, { upstream, presence, registrar, rotations }: GatewayParts): void {
  upstream.close()
  rotations.close()
  registrar.close()
  presence.close()
  folder.close()
}

/** @param option  that chooses another place to listen, where it is not --listen */
function asGatewayError(error: unknown, option = '--listen'): never {
  if (!(error instanceof IoError)) throw error
  const code = error.code === 'PORT_TAKEN' ? 'PORT_TAKEN' : 'LISTEN_FAILED'
  throw new GatewayError(code, error.message.replace('--listen', option), { cause: error })
}
