// A running CPNS Server: a data folder, a door for gateways, one for the operator and, if wanted, one for stock equipment.

import { type Address, formatHostPort, type Logger, silent } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'
import type { Bus } from './bus/bus.ts'
import { Gateways, noGateways } from './bus/gateways.ts'
import { Challenges } from './challenges.ts'
import { type Core, openCore } from './core.ts'
import { writeAdminAddress } from './datafolder.ts'
import type { MetricsText } from './doors/admin/metrics.ts'
import { type AdminTls, checkListen, shownBy } from './doors/admin/tls.ts'
import { openCpnsDoor } from './doors/cpns/door.ts'
import { Conversations } from './doors/radius/conversations.ts'
import { openRadiusDoor, type RadsecOptions } from './doors/radius/door.ts'
import type { ServerMetrics } from './metrics/metrics.ts'

const GRACE_MS = 5000

/** Where the admin API and the console are: beyond the loopback address only with TLS, or behind a proxy that has it. */
interface AdminListen extends Address {
  readonly tls?: AdminTls | undefined
  readonly isExposed?: boolean | undefined
}

export interface ServerOptions {
  readonly dataDir: string
  /** `sqlite`, which is the default, or postgres://USER:PASSWORD@HOST:PORT/DATABASE, which several servers may share. */
  readonly store?: string | undefined
  /** Where gateways connect; port 0 for any free one. */
  readonly listen: Address
  readonly admin: AdminListen
  /** Where access points ask by RADIUS over UDP. */
  readonly radius?: Address | undefined
  /** Where access points and proxies ask by RADIUS over TLS. */
  readonly radsec?: RadsecOptions | undefined
  readonly logger?: Logger
  /** Records each authentication as a span (OpenTelemetry); without one nothing is recorded. */
  readonly tracer?: Tracer | undefined
  /** Seconds, 0 to 4,294,967,295, for which a TK serves further sessions at its gateway without the server; 3,600 unless told. */
  readonly transientKeyLifetimeS?: number | undefined
  /**
   * Seconds for which devices that this server has seen are authenticated from memory while a database elsewhere cannot be
   * reached; 300 unless told, 0 for not at all.
   */
  readonly maxStaleS?: number | undefined
  /** To other processes on the same SQLite store; by a database that is shared, servers reach each other anyway. */
  readonly bus?: Bus | undefined
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** A process of a server need not have every door. */
export interface PartOptions extends Omit<ServerOptions, 'listen' | 'admin'> {
  readonly listen?: Address | undefined
  readonly admin?: AdminListen | undefined
  /** Whether gateways can connect, when that is not up to this process. */
  readonly isDoorOpen?: (() => boolean) | undefined
  /** What `/metrics` tells, when it is more than this process knows. */
  readonly metricsText?: MetricsText | undefined
}

export interface RunningServer {
  readonly realm: string
  readonly addresses: {
    readonly cpns: Address
    readonly admin: Address
    readonly radius?: Address
    readonly radsec?: Address
  }
  /** Answers what is under way, writes what is buffered, and lets go of everything. */
  close(options?: { graceMs?: number }): Promise<void>
}

/** A process of a server: those of its doors that it has. */
export interface ServerPart {
  readonly realm: string
  readonly addresses: Partial<RunningServer['addresses']>
  readonly metrics: ServerMetrics
  close(options?: { graceMs?: number }): Promise<void>
}

/** @throws {DataFolderError} @throws {StoreError} @throws {AdminError} @throws {IoError} PORT_TAKEN, LISTEN_FAILED */
export async function runServer(options: ServerOptions): Promise<RunningServer> {
  const { logger = silent } = options
  const { realm, addresses, close } = await openPart(options)
  const { cpns, admin, ...others } = addresses
  if (!cpns || !admin) throw new TypeError('a server has a door for gateways and one for the operator')
  logger.info(
    { event: 'server-started', realm, cpns: formatHostPort(cpns), admin: formatHostPort(admin), ...others },
    'serving',
  )
  return {
    realm,
    addresses: { cpns, admin, ...others },
    async close(options) {
      await close(options)
      logger.info({ event: 'server-stopped' }, 'stopped')
    },
  }
}

/**
 * Opens the doors that are asked for, all on one core.
 * @throws as {@link runServer}
 */
export async function openPart(options: PartOptions): Promise<ServerPart> {
  const { listen, admin, radius, radsec, logger = silent, now = Date.now, transientKeyLifetimeS } = options
  const closers: (() => unknown)[] = []
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    if (admin) checkListen(admin)
    const core = await openCore({ ...options, logger, now }, closers)
    const { realm, vault, registry, events, live, links, totals, metrics } = core
    const state = { graceMs: GRACE_MS, isOpen: true, isDraining: false }
    closers.push(() => {
      state.isOpen = false
    })

    const challenges = new Challenges(vault.challengeKey(), realm)
    const conversations = new Conversations(vault.conversationKey())
    const observers = { events, live, gatewayReports: live, links, metrics, logger, tracer: options.tracer }
    const context = { realm, registry, challenges, conversations, ...observers, now, transientKeyLifetimeS }
    const cpnsDoor = listen && (await openCpnsDoor(listen, context))
    closers.push(() => cpnsDoor?.close(state.graceMs))
    const radiusDoor = radius || radsec ? await openRadiusDoor({ radius, radsec }, context) : undefined
    closers.push(() => radiusDoor?.close(state.graceMs))
    const gateways = new Gateways(cpnsDoor?.gateways ?? noGateways, core.inquiries)
    metrics.watch({ events, cpns: cpnsDoor, radius: radiusDoor, ...(admin && { totals }) })
    const adminAddress =
      admin && (await openAdminDoor(admin, { ...options, ...core, gateways, state, logger }, closers))
    return {
      realm,
      addresses: {
        ...(cpnsDoor && { cpns: cpnsDoor.address }),
        ...(adminAddress && { admin: adminAddress }),
        ...radiusDoor?.addresses,
      },
      metrics,
      async close({ graceMs = GRACE_MS } = {}) {
        state.graceMs = graceMs
        state.isDraining = true
        await closeAll()
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

interface AdminContext extends Core {
  readonly dataDir: string
  readonly gateways: Gateways
  readonly state: { readonly isOpen: boolean; readonly isDraining: boolean }
  readonly metricsText?: MetricsText | undefined
  readonly isDoorOpen?: (() => boolean) | undefined
  readonly logger: Logger
}

async function openAdminDoor(admin: AdminListen, context: AdminContext, closers: (() => unknown)[]): Promise<Address> {
  const { registry, events, live, totals, authentications, gateways, links, state, logger } = context
  const { tls, isExposed } = admin
  const { createAdminDoor } = await import('./doors/admin/door.ts') // with HTTP and schemas, which other processes can do without
  const adminDoor = createAdminDoor({
    tls,
    isExposed,
    registry,
    events,
    watch: { live, totals, authentications, gateways },
    links,
    fitness: {
      store: () => registry.newestRevocation(),
      isDoorOpen: () => state.isOpen && (context.isDoorOpen?.() ?? true),
      isDraining: () => state.isDraining,
    },
    metrics: context.metricsText ?? context.metrics,
    token: context.adminToken,
    logger,
  })
  closers.push(() => adminDoor.close())
  const { url, ...address } = await adminDoor.listen(admin.host, admin.port)
  closers.push(await writeAdminAddress(context.dataDir, { url, certificate: tls && shownBy(tls) }))
  return address
}
