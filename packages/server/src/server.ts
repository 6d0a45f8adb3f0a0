// A running CPNS Server: a data folder, a door for gateways, one for the operator and, if wanted, one for stock equipment.

import { type Address, formatHostPort, type Logger, silent } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'
import { Challenges } from './challenges.ts'
import { openDataFolder, writeAdminAddress } from './datafolder.ts'
import { createAdminDoor } from './doors/admin/door.ts'
import { type AdminTls, checkListen, shownBy } from './doors/admin/tls.ts'
import { openCpnsDoor } from './doors/cpns/door.ts'
import { Conversations } from './doors/radius/conversations.ts'
import { openRadiusDoor, type RadsecOptions } from './doors/radius/door.ts'
import type { NewEvent } from './events.ts'
import { Links } from './links.ts'
import { openLive } from './live/open.ts'
import { Totals } from './live/totals.ts'
import { measured } from './metrics/measured-store.ts'
import { ServerMetrics } from './metrics/metrics.ts'
import { Registry } from './registry.ts'

const GRACE_MS = 5000

/** Where the admin API and the console are: beyond the loopback address only with TLS, or behind a proxy that has it. */
export interface AdminListen extends Address {
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
  /** Milliseconds since the epoch. */
  readonly now?: () => number
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

/** @throws {DataFolderError} @throws {StoreError} @throws {AdminError} @throws {IoError} PORT_TAKEN, LISTEN_FAILED */
export async function runServer(options: ServerOptions): Promise<RunningServer> {
  const { dataDir, listen, admin, radius, radsec, logger = silent, now = Date.now, transientKeyLifetimeS } = options
  const closers: (() => unknown)[] = []
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    checkListen(admin)
    const folder = await openDataFolder(dataDir, { store: options.store, logger })
    const { realm, vault, adminToken, release } = folder
    closers.push(release)
    closers.push(() => folder.store.close())
    const metrics = new ServerMetrics()
    const store = measured(folder.store, metrics)
    const onRecord = (event: NewEvent) => metrics.recorded(event)
    const { live, events, authentications } = await openLive({ store, logger, now, onRecord })
    closers.push(() => events.close())
    const registry = new Registry({ store, vault, realm, events, logger, now })
    closers.push(() => registry.close())
    await registry.start()

    const links = new Links({ store, logger, now })
    closers.push(() => links.close())
    await links.start()

    const challenges = new Challenges(vault.challengeKey(), realm)
    const conversations = new Conversations(vault.conversationKey())
    const observers = { events, live, gatewayReports: live, links, metrics, logger, tracer: options.tracer }
    const context = { realm, registry, challenges, conversations, ...observers, now, transientKeyLifetimeS }
    const cpnsDoor = await openCpnsDoor(listen, context)
    let graceMs = GRACE_MS
    let isDraining = false
    let isOpen = true
    closers.push(() => {
      isOpen = false
      return cpnsDoor.close(graceMs)
    })
    const radiusDoor = radius || radsec ? await openRadiusDoor({ radius, radsec }, context) : undefined
    closers.push(() => radiusDoor?.close(graceMs))
    const { gateways } = cpnsDoor
    const totals = new Totals(store, () => links.count(), now)
    const watch = { live, totals, authentications, gateways }
    metrics.watch({ events, cpns: cpnsDoor, radius: radiusDoor, totals })
    const fitness = {
      store: () => registry.newestRevocation(),
      isDoorOpen: () => isOpen,
      isDraining: () => isDraining,
    }
    const { tls, isExposed } = admin
    const adminDoor = createAdminDoor({
      tls,
      isExposed,
      registry,
      events,
      watch,
      links,
      fitness,
      metrics,
      token: adminToken,
      logger,
    })
    closers.push(() => adminDoor.close())
    const { url, ...adminAddress } = await adminDoor.listen(admin.host, admin.port)
    closers.push(await writeAdminAddress(dataDir, { url, certificate: tls && shownBy(tls) }))

    const others = radiusDoor?.addresses ?? {}
    logger.info(
      { event: 'server-started', realm, cpns: formatHostPort(cpnsDoor.address), admin: url, ...others },
      'serving',
    )
    return {
      realm,
      addresses: { cpns: cpnsDoor.address, admin: adminAddress, ...others },
      async close(options = {}) {
        graceMs = options.graceMs ?? GRACE_MS
        isDraining = true
        await closeAll()
        logger.info({ event: 'server-stopped' }, 'stopped')
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}
